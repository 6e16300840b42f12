import { describe, expect, test } from 'vitest';
import { nothingAllowed, parseAllowList } from '#core/webhooks/allow-list.ts';
import { checkWebhookUrl, mayReach, parseWebhookUrl } from '#core/webhooks/webhook-url.ts';

const REFUSED = [
  ...[
    '',
    'x',
    'ftp://a.example',
    'file:///etc/passwd',
    '//a.example',
    'https:a.example',
    'https:/a.example',
    'https://',
  ],
  ...[
    'https:///a.example',
    'https://a.example\\@b.example',
    'https:\\\\a.example',
    ' https://a.example',
    'https://a.example ',
  ],
  ...['https://a b.example', 'https://a.example/\n', 'https://a.example\t', 'https://ä.example', 'https://a。example'],
  ...['https://user@a.example', 'https://user:pass@a.example', 'https://@a.example', 'https://a.example:@b.example'],
  ...['https://a.example.', 'https://a..example', 'https://-a.example', 'https://a-.example', 'https://%61.example'],
  ...[
    'https://a.example#x',
    'https://a.example/#',
    'https://a.example:',
    'https://a.example:0',
    'https://a.example:65536',
  ],
  ...[
    'https://a.example:0443',
    'https://a.example:8443',
    'http://a.example',
    'http://a.example:443',
    'https://a.example:80',
  ],
  ...['https://localhost', 'https://LOCALHOST', 'https://foo.localhost', 'https://printer.local', 'https://a.internal'],
  ...['https://metadata.google.internal', 'https://router.home.arpa', 'https://x.localdomain', 'https://intranet'],
  ...[
    'https://127.0.0.1',
    'https://127.1',
    'https://2130706433',
    'https://0x7f000001',
    'https://0x7f.0.0.1',
    'https://0',
  ],
  ...['https://017700000001', 'https://0177.0.0.1', 'https://127.0.0.1.', 'https://127.0.0.256', 'https://1.2.3.4.5'],
  ...['https://10.0.0.1', 'https://172.16.0.1', 'https://192.168.1.1', 'https://169.254.169.254', 'https://100.64.0.1'],
  ...['https://[::1]', 'https://[::]', 'https://[::ffff:127.0.0.1]', 'https://[::ffff:8.8.8.8]', 'https://[fe80::1]'],
  ...['https://[fe80::1%25eth0]', 'https://[64:ff9b::7f00:1]', 'https://[2002:7f00:1::]', 'https://[2001:0:1::1]'],
  ...['https://[fd00:ec2::254]', 'https://[1.2.3.4]', 'https://::1', 'https://[::1', 'https://::1]', 'https://[]'],
  ...[
    'https://a.example/"x"',
    'https://a.example/<x>',
    'https://a.example/{x}',
    'https://a.example/a|b',
    'https://a.123',
  ],
];

const ACCEPTED = [
  ...[
    'https://hooks.example.com',
    'https://hooks.example.com/',
    'https://hooks.example.com:443/a?b=c&d=%20',
    'HTTPS://A.Example/X',
  ],
  ...[
    'https://xn--bcher-kva.example/in',
    'https://a_b.example',
    'https://8.8.8.8/x',
    'https://[2606:4700:4700::1111]/x',
  ],
  ...[
    'https://a.example?token=1',
    'https://a.example//x',
    'https://a.example/@x',
    'https://1.a.example',
    'https://0x.example',
  ],
];

describe('webhook URLs', () => {
  test.each(REFUSED)('%j is refused in words', url => {
    expect(checkWebhookUrl(url, nothingAllowed)).toMatch(/^.{10,}\.$/s);
  });

  test('the words name what is wrong', () => {
    expect(checkWebhookUrl('https://user@a.example', nothingAllowed)).toContain('user name');
    expect(checkWebhookUrl('https://a.example:8443', nothingAllowed)).toContain('got port 8443; 443 is allowed');
    expect(checkWebhookUrl('https://10.0.0.1', nothingAllowed)).toContain(
      '10.0.0.1 is no public address; the operator',
    );
  });

  test('one that is too long is refused', () => {
    expect(checkWebhookUrl(`https://a.example/${'x'.repeat(2_048)}`, nothingAllowed)).toContain('at most 2048');
  });

  test.each(ACCEPTED)('%j is accepted, and read as the platform reads it', text => {
    const url = parseWebhookUrl(text, nothingAllowed);
    if ('problem' in url) throw new Error(url.problem);
    const theirs = new URL(text);
    expect(theirs.hostname.replace(/[[\]]/g, '')).toBe(url.host);
    expect([theirs.protocol, Number(theirs.port || 443), theirs.pathname + theirs.search]).toEqual([
      'https:',
      url.port,
      new URL(url.href).pathname + new URL(url.href).search,
    ]);
  });

  test('of 200,000 mangled URLs, those that pass are read the same by both parsers', () => {
    const pieces = [
      'https',
      'http',
      ':',
      '//',
      '/',
      '\\',
      '@',
      'a.example',
      '8.8.8.8',
      '[2606::1]',
      '127.0.0.1',
      '#',
      '?',
      '%2e',
    ];
    const more = [
      '.',
      ':443',
      ':80',
      '0x7f',
      'localhost',
      'user',
      '\t',
      ' ',
      'ﬀ',
      '。',
      '1',
      'xn--a',
      '-',
      '_',
      '%',
      ';',
      '&',
      '=',
      "'",
    ];
    const all = [...pieces, ...more];
    let state = 1;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state;
    };
    const pick = () => all[next() % all.length]!;
    let passed = 0;
    for (let n = 0; n < 200_000; n++) {
      const start = n % 3 === 0 ? '' : 'https://';
      const text = start + Array.from({ length: 1 + (next() % 6) }, pick).join('');
      const url = parseWebhookUrl(text, nothingAllowed);
      if ('problem' in url || !URL.canParse(text)) continue;
      passed++;
      const { protocol, hostname, port, username, password } = new URL(text);
      expect([protocol, hostname.replace(/[[\]]/g, ''), port, username, password], text).toEqual([
        'https:',
        url.host,
        '',
        '',
        '',
      ]);
    }
    expect(passed).toBeGreaterThan(1_000);
  });
});

describe('what the operator lets through', () => {
  const allow = parseAllowList(
    '127.0.0.1:9000, 10.1.0.0/16, hooks.corp.example, relay:8080 ,[fd00::5]:8080,fd01::/16,::1',
  );
  const check = (url: string) => checkWebhookUrl(url, allow);

  test('may use http and its own port, or any where none is named', () => {
    const fine = [
      'http://127.0.0.1:9000/x',
      'https://127.0.0.1:9000',
      'http://10.1.255.255:81',
      'http://hooks.corp.example',
    ];
    for (const url of [
      ...fine,
      'https://hooks.corp.example:8443',
      'http://relay:8080/x',
      'http://[fd00::5]:8080',
      'http://[fd01::9]',
    ])
      expect(check(url), url).toBeUndefined();
    const not = [
      'http://127.0.0.1',
      'http://127.0.0.1:9001',
      'http://127.0.0.2:9000',
      'http://10.2.0.1',
      'http://relay',
    ];
    for (const url of [
      ...not,
      'http://a.hooks.corp.example',
      'http://corp.example',
      'http://[fd00::5]',
      'http://[fd02::1]',
    ])
      expect(check(url), url).toBeDefined();
  });

  test('a block counts for every name, a name for its internal addresses, and neither for those of cloud credentials', () => {
    const reach = (url: string, address: string) => mayReach(parseWebhookUrl(url, allow) as never, address, allow);
    expect(reach('https://other.example', '10.1.2.3')).toBe(true);
    expect(reach('https://other.example', '10.2.2.3')).toBe(false);
    expect(reach('https://other.example', '8.8.8.8')).toBe(true);
    expect(reach('https://other.example', 'nonsense')).toBe(false);
    for (const address of ['10.9.9.9', '127.0.0.1', '192.168.0.1', 'fd99::1', '::1', '8.8.8.8'])
      expect(reach('http://hooks.corp.example', address), address).toBe(true);
    for (const address of ['169.254.169.254', '169.254.170.2', 'fd00:ec2::254', '168.63.129.16', 'fe80::1', '0.0.0.0'])
      expect(reach('http://hooks.corp.example', address), address).toBe(false);
    for (const address of [
      '255.255.255.255',
      '224.0.0.1',
      '::',
      'ff02::1',
      '::ffff:169.254.169.254',
      '::ffff:10.0.0.1',
    ])
      expect(reach('http://hooks.corp.example', address), address).toBe(false);
    const wide = parseAllowList('169.254.0.0/16');
    expect(checkWebhookUrl('http://169.254.169.254', wide)).toBeDefined();
    expect(checkWebhookUrl('http://169.254.169.254', parseAllowList('169.254.169.254'))).toBeUndefined();
  });

  test('an entry that is nothing of the kind is refused by name', () => {
    expect(parseAllowList('')).toEqual(nothingAllowed);
    const bad = [
      '10.0.0.0/33',
      '*.example',
      'https://a.example',
      'a.example:0',
      'a.example:99999',
      '1.2.3',
      '[::1',
      'a b',
      '10.0.0.1/',
    ];
    for (const entry of bad) expect(() => parseAllowList(`ok.example, ${entry}`), entry).toThrow(entry.toLowerCase());
  });
});
