/** The rules of a Dockerfile that matter here, checked on its text: instructions with their continuation lines joined. */
export interface Instruction {
  readonly line: number;
  readonly name: string;
  readonly text: string;
}

/** Comments and blank lines left out; a continued line is one instruction. */
export function parseDockerfile(text: string): Instruction[] {
  const found: Instruction[] = [];
  let begun: { line: number; text: string } | undefined;
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const whole = begun === undefined ? line : `${begun.text} ${line}`;
    const start = begun?.line ?? at + 1;
    if (whole.endsWith('\\')) begun = { line: start, text: whole.slice(0, -1).trim() };
    else {
      const [name = ''] = whole.split(/\s/, 1);
      found.push({ line: start, name: name.toUpperCase(), text: whole.slice(name.length).trim() });
      begun = undefined;
    }
  }
  return found;
}

/** What is wrong, a sentence each, with its line. */
export function dockerfileProblems(text: string): string[] {
  const all = parseDockerfile(text);
  const last = all.slice(all.findLastIndex(one => one.name === 'FROM'));
  const problems: string[] = [];
  const complain = (at: Instruction | undefined, sentence: string) =>
    problems.push(`${at === undefined ? 'the last stage' : `line ${at.line}`}: ${sentence}`);
  const one = (name: string) => last.findLast(each => each.name === name);

  for (const from of all.filter(each => each.name === 'FROM')) checkBase(from, all, complain);
  for (const arg of all.filter(each => each.name === 'ARG'))
    if (/_BASE=/.test(arg.text)) complain(arg, 'a base has a default, which would be a tag or would age.');
  for (const add of all.filter(each => each.name === 'ADD')) complain(add, 'ADD unpacks and downloads; COPY is meant.');
  for (const run of all.filter(each => each.name === 'RUN')) checkRun(run, complain);
  for (const set of all.filter(each => ['ENV', 'ARG'].includes(each.name)))
    if (/(SECRET|PASSWORD|TOKEN|ACCESS_KEY|RECEIPT_KEY)/i.test(set.text))
      complain(set, 'a secret in a layer is public.');
  for (const copy of all.filter(each => each.name === 'COPY'))
    if (/^\.\s/.test(copy.text)) complain(copy, 'the whole folder is copied: name what is needed.');

  const user = one('USER');
  if (user === undefined || /^(root|0)(:|$)/.test(user.text)) complain(user, 'the worker runs as root.');
  else if (!/^\d+(:\d+)?$/.test(user.text)) complain(user, 'the user is a name: orchestrators check numbers.');
  const afterUser = user === undefined ? [] : last.slice(last.indexOf(user) + 1);
  for (const late of afterUser.filter(each => ['RUN', 'COPY'].includes(each.name)))
    complain(late, 'it comes after USER.');
  for (const exec of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK'] as const) checkExec(one(exec), exec, complain);
  if (!/^\["\/usr\/bin\/tini",/.test(one('ENTRYPOINT')?.text ?? ''))
    complain(one('ENTRYPOINT'), 'nobody reaps children and passes signals on: tini is first.');
  if (one('STOPSIGNAL')?.text !== 'SIGTERM') complain(one('STOPSIGNAL'), 'STOPSIGNAL is SIGTERM, which drains.');
  if (one('VOLUME') === undefined)
    complain(undefined, 'nothing can be written below a read-only root: VOLUME is missing.');
  if (!all.some(each => each.name === 'LABEL' && each.text.includes('org.opencontainers.image.licenses')))
    complain(undefined, 'no label names the licenses.');
  return problems;
}

type Complain = (at: Instruction | undefined, sentence: string) => void;

/** A stage of this file, an argument without a default, or a digest. */
function checkBase(from: Instruction, all: readonly Instruction[], complain: Complain): void {
  const base = from.text.split(/\s/)[0] ?? '';
  const stages = all.filter(each => each.name === 'FROM').map(each => / AS (\S+)$/i.exec(each.text)?.[1]);
  const argument = /^\$\{?(\w+)\}?$/.exec(base)?.[1];
  if (stages.includes(base) || /@sha256:[0-9a-f]{64}$/.test(base)) return;
  const checked = all.some(
    each => each.name === 'RUN' && each.text.includes(`require-digest.sh ${argument} "\${${argument}}"`),
  );
  if (argument === undefined) complain(from, `${base} is a tag, not a digest.`);
  else if (!checked) complain(from, `nothing refuses a tag in ${argument}.`);
}

function checkRun(run: Instruction, complain: Complain): void {
  if (/\bsudo\b/.test(run.text)) complain(run, 'sudo.');
  if (/\b(curl|wget)\b[^|&;]*\|\s*(ba)?sh/.test(run.text)) complain(run, 'what is loaded is run unseen.');
  if (/\bapt-get install\b/.test(run.text)) {
    if (!/--no-install-recommends/.test(run.text)) complain(run, 'apt-get install brings what is only recommended.');
    if (!/--yes|-y\b/.test(run.text)) complain(run, 'apt-get install waits for an answer.');
    if (!/rm -rf \/var\/lib\/apt\/lists/.test(run.text)) complain(run, 'the package lists stay in the layer.');
  }
  if (/\bnpm (install|i)\b/.test(run.text)) complain(run, 'npm install does not keep to the lockfile; npm ci does.');
}

/** The shell form wraps a program in /bin/sh, which passes no signal on. */
function checkExec(at: Instruction | undefined, name: string, complain: Complain): void {
  const text = at?.text ?? '';
  const form = name === 'HEALTHCHECK' ? text.slice(text.indexOf('CMD') + 3).trim() : text;
  if (at === undefined) complain(undefined, `${name} is missing.`);
  else if (!form.startsWith('[')) complain(at, `${name} is in the shell form.`);
}
