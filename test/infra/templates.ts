import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, buildApp } from '#infra/app.ts';

/** A synthesis takes 5 s of one core, and tests run beside others. */
export const SYNTH_MS = 180_000;

/** A resource as a template has it. */
export interface Resource {
  readonly Type: string;
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

/** A template, searched by type. */
export interface Found {
  readonly text: string;
  readonly template: any;
  readonly all: Readonly<Record<string, Resource>>;
  of(type: string): [string, Resource][];
  /** Those of a type whose logical id starts so. */
  named(type: string, prefix: string): Resource[];
}

/** Builds and synthesizes once, and reads what was written; `clean` takes the files away. */
export function synthesize(options: BuildOptions) {
  const outdir = mkdtempSync(join(tmpdir(), 'reelay-infra-'));
  const built = buildApp({ outdir, ...options });
  built.app.synth();
  const read = (name: string) => foundIn(readFileSync(join(outdir, `${name}.template.json`), 'utf8'));
  return { ...built, outdir, read, clean: () => rmSync(outdir, { recursive: true, force: true }) };
}

function foundIn(text: string): Found {
  const template = JSON.parse(text);
  const all = template.Resources as Record<string, Resource>;
  const of = (type: string) => Object.entries(all).filter(([, one]) => one.Type === type);
  const named = (type: string, prefix: string) =>
    of(type)
      .filter(([id]) => id.startsWith(prefix))
      .map(([, one]) => one);
  return { text, template, all, of, named };
}

/** A statement of a policy. */
export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** Everything that a role of the template is allowed, by the start of its logical id: its own policies and the managed ones of ours. */
export function statementsOf(found: Found, role: string): readonly Statement[] {
  const [id, made] = found.of('AWS::IAM::Role').find(([name]) => name.startsWith(role))!;
  const refersTo = (roles: readonly { Ref?: string }[] = []) => roles.some(({ Ref }) => Ref === id);
  const inline = found.of('AWS::IAM::Policy').filter(([, { Properties }]) => refersTo(Properties.Roles));
  const managed = (made.Properties.ManagedPolicyArns ?? []).flatMap((arn: { Ref?: string }) =>
    arn.Ref === undefined ? [] : [[arn.Ref, found.all[arn.Ref]!] as const],
  );
  return [...inline, ...managed].flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[]);
}

/** Actions as a list. */
export function actionsOf({ Action }: Statement): readonly string[] {
  return typeof Action === 'string' ? [Action] : Action;
}

/** Resources as texts that name what they refer to. */
export function resourcesOf({ Resource }: Statement): readonly string[] {
  return (Array.isArray(Resource) ? Resource : [Resource]).map(one => JSON.stringify(one));
}
