/** URLs that want to reach what is not public, and names whose DNS answers do. */

/** What attackers want: loopback, private networks, the places where clouds keep credentials, and everything else that is not global. */
const TARGETS = [
  ...[
    '127.0.0.1',
    '127.0.0.2',
    '127.255.255.254',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
  ],
  ...[
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
  ],
  ...[
    '198.18.0.1',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '192.88.99.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ],
];

/** One IPv4 address in every way that some parser reads. */
function spellings(ipv4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  const value = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const hex = (n: number, width = 0) => n.toString(16).padStart(width, '0');
  const oct = (n: number) => `0${n.toString(8)}`;
  const [high, low] = [hex(value >>> 16, 4), hex(value & 0xffff, 4)];
  const flipped = [hex((value >>> 16) ^ 0xffff, 4), hex((value & 0xffff) ^ 0xffff, 4)].join(':');
  return [
    ...[ipv4, `${ipv4}.`, `${value}`, `0x${hex(value)}`, `0${value.toString(8)}`, `${a}.${(b << 16) | (c << 8) | d}`],
    ...[`${a}.${b}.${(c << 8) | d}`, [a, b, c, d].map(n => `0x${hex(n)}`).join('.'), [a, b, c, d].map(oct).join('.')],
    ...[`0x${hex(a)}.${b}.${oct(c)}.${d}`, [a, b, c, d].map(n => String(n).padStart(4, '0')).join('.')],
    ...[`${a + 256}.${b}.${c}.${d}`, ipv4.replaceAll('.', '。'), ipv4.replaceAll('.', '%2e')],
    ...[
      ipv4.replace(/\d/g, n => String.fromCodePoint(0xff10 + Number(n))),
      ipv4.replace(/[1-9]/g, n => String.fromCodePoint(0x2460 + Number(n) - 1)),
    ],
    ...[
      `[::ffff:${ipv4}]`,
      `[::ffff:${high}:${low}]`,
      `[::${ipv4}]`,
      `[::ffff:0:${ipv4}]`,
      `[64:ff9b::${high}:${low}]`,
    ],
    ...[
      `[64:ff9b:1::${high}:${low}]`,
      `[2002:${high}:${low}::1]`,
      `[2001:0:4136:e378:8000:63bf:${flipped}]`,
      `[fe80::5efe:${ipv4}]`,
    ],
    ...[`[0:0:0:0:0:ffff:${high}:${low}]`, `user@${ipv4}`, `public.example@${ipv4}`, `${ipv4}:443`, `${ipv4}:80`],
  ];
}

const IPV6 = [
  ...[
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::1%25lo]',
    '[::1%lo]',
    '[fe80::1]',
    '[fe80::1%25eth0]',
    '[fec0::1]',
    '[fc00::1]',
  ],
  ...[
    '[fd00::1]',
    '[fd00:ec2::254]',
    '[fd00:ec2::23]',
    '[fd20:ce::254]',
    '[ff02::1]',
    '[ff0e::1]',
    '[100::1]',
    '[100:0:0:1::1]',
  ],
  ...[
    '[2001:db8::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[2001:2::1]',
    '[2001:10::1]',
    '[2001:20::1]',
    '[4000::1]',
    '[200::1]',
    '[::2]',
  ],
];

const NAMES = [
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'localhost.localdomain',
    'ip6-localhost',
    'metadata',
    'metadata.google.internal',
  ],
  ...[
    'instance-data',
    'instance-data.ec2.internal',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'host.docker.internal',
  ],
  ...[
    'printer.local',
    'router.home.arpa',
    'db.internal',
    'ⓛocalhost',
    'ⅼocalhost',
    'loc%61lhost',
    'local\u00adhost',
    'lo\tcalhost',
  ],
];

/** Texts that two parsers have been seen to read differently. `X` is the internal host. */
const TRICKS = [
  ...[
    'https://public.example@X/',
    'https://public.example:443@X/',
    'https://X#@public.example/',
    'https://X?@public.example/',
  ],
  ...[
    'https://public.example\\@X/',
    'https://X\\@public.example/',
    'https://public.example/\\X',
    'https:\\\\X/',
    'https:/X/',
    'https:X',
  ],
  ...[
    'https:///X/',
    '//X/',
    'https://X\t/',
    ' https://X/',
    'https://X\n.public.example/',
    'https://public.example\r\nHost: X/',
  ],
  ...[
    'https://public.example &@X# @public.example/',
    'https://X:443\u0000.public.example/',
    'https://public.example%00@X/',
    'https://[X]/',
  ],
  ...[
    'https://X%23.public.example/',
    'https://X%2f.public.example/',
    'https://X%5c.public.example/',
    'https://X;public.example/',
    'https://X,public.example/',
  ],
  ...[
    'https://foo@X:443@public.example/',
    'https://public.example:X/',
    'https://X:0443/',
    'https://X:/',
    'https://X:443443/',
    'https://X:-1/',
  ],
  ...[
    'http://X/',
    'HTTP://X/',
    'ftp://X/',
    'file:///etc/passwd',
    'gopher://X:443/_',
    'dict://X:443/',
    'ldap://X/',
    'ws://X/',
    'wss://X/',
    'unix:///var/run/docker.sock',
  ],
  ...[
    'data:text/plain,X',
    'javascript:X',
    'jar:https://X!/',
    'view-source:https://X/',
    'url:https://X/',
    'https+unix://X/',
    'blob:https://X/',
    'about:blank',
  ],
];

/** What a name server says to the first, the second … question for each type; the last answer stays. */
export interface NameAnswers {
  readonly A?: readonly (readonly string[])[];
  readonly AAAA?: readonly (readonly string[])[];
  /** The answers hang on this name. */
  readonly cname?: string;
}

const PUBLIC = ['93.184.215.14'];
const PUBLIC6 = ['2606:2800:21f:cb07:6820:80da:af6b:8b2c'];

/** Names that lead inside, at once or from some question on. */
export function hostileNames(): ReadonlyMap<string, NameAnswers> {
  const names = new Map<string, NameAnswers>();
  for (const [n, ipv4] of TARGETS.entries()) {
    names.set(`direct-${n}.evil.example`, { A: [[ipv4]] });
    names.set(`mixed-${n}.evil.example`, { A: [[...PUBLIC, ipv4]] });
    names.set(`second-${n}.evil.example`, { A: [PUBLIC, [ipv4]] });
    names.set(`third-${n}.evil.example`, { A: [PUBLIC, PUBLIC, [ipv4]] });
    names.set(`cname-${n}.evil.example`, { A: [[ipv4]], cname: 'localhost' });
    names.set(`mapped-${n}.evil.example`, { AAAA: [[`::ffff:${ipv4}`]] });
    names.set(`nat64-${n}.evil.example`, { AAAA: [[`64:ff9b::${ipv4}`]] });
  }
  for (const [n, host] of IPV6.filter(text => !text.includes('%')).entries()) {
    const ipv6 = host.slice(1, -1);
    names.set(`six-${n}.evil.example`, { AAAA: [[ipv6]] });
    names.set(`six-mixed-${n}.evil.example`, { A: [PUBLIC], AAAA: [[...PUBLIC6, ipv6]] });
    names.set(`six-second-${n}.evil.example`, { A: [PUBLIC], AAAA: [PUBLIC6, [ipv6]] });
  }
  names.set('flip.evil.example', { A: [PUBLIC, ['127.0.0.1'], PUBLIC, ['127.0.0.1']] });
  names.set('127.0.0.1.nip.example', { A: [['127.0.0.1']] });
  names.set('169-254-169-254.nip.example', { A: [['169.254.169.254']] });
  return names;
}

/** Names and addresses of the public internet: these must get as far as a socket. */
export const publicNames: ReadonlyMap<string, NameAnswers> = new Map([
  ['hooks.public.example', { A: [PUBLIC] }],
  ['six.public.example', { AAAA: [PUBLIC6] }],
  ['both.public.example', { A: [PUBLIC], AAAA: [PUBLIC6] }],
]);
export const publicUrls = [
  'https://hooks.public.example/in',
  'https://six.public.example/',
  'https://both.public.example/',
  'https://93.184.215.14/',
  `https://[${PUBLIC6[0]}]/`,
];

/** Every URL once, in a fixed order. */
export function hostileUrls(): string[] {
  const internal = ['127.0.0.1', '[::1]', '169.254.169.254', 'localhost'];
  return [
    ...new Set([
      ...TARGETS.flatMap(spellings).map(host => `https://${host}/latest/meta-data/`),
      ...[...IPV6, ...NAMES].flatMap(host => [`https://${host}/`, `http://${host}:80/`]),
      ...internal.flatMap(host => TRICKS.map(trick => trick.replaceAll('X', host))),
      ...[...hostileNames().keys()].map(name => `https://${name}/`),
    ]),
  ];
}

/** The same texts with a few characters changed, swapped, doubled or taken from another one. */
export function mutated(urls: readonly string[], count: number, random: () => number): string[] {
  const pick = <T>(list: readonly T[] | string) => list[Math.floor(random() * list.length)] as T;
  const odd = [
    '@',
    ':',
    '/',
    '\\',
    '.',
    '#',
    '?',
    '%',
    '[',
    ']',
    '0',
    'x',
    '%2e',
    '%00',
    '\t',
    '。',
    '@127.0.0.1',
    ':80',
    '/..',
    '::ffff:',
  ];
  return Array.from({ length: count }, () => {
    let text = pick(urls) as string;
    for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
      const at = Math.floor(random() * (text.length + 1));
      const other = pick(urls) as string;
      const piece = random() < 0.6 ? (pick(odd) as string) : other.slice(8, 8 + Math.floor(random() * 12));
      text = text.slice(0, at) + piece + text.slice(at + (random() < 0.5 ? 1 : 0));
    }
    return text;
  });
}
