import assert from 'node:assert/strict';
import { test } from 'node:test';

import { probes } from '../../../agent/probes/index.ts';
import type { Source } from '../../../agent/probes/source.ts';
import { allReads } from '../../../agent/probes/reads.ts';
import { contextOf } from './fixture-context.ts';

const named = [
  ...(['files', 'firsts', 'names', 'links', 'times'] as const).flatMap((kind) => allReads(kind)),
  ...allReads('heads').map(([file]) => file),
  '/proc/self/ns/pid',
  '/proc/1/environ',
];

/** Returns the expression of a path with `*` and `[...]`, and of the folders above it. */
function expressionOf(path: string): RegExp {
  const parts = path.split('/').map((part) => part.replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*'));
  return new RegExp(`^${parts.reduceRight((rest, part) => `${part}(?:/${rest})?`)}$`);
}
const expressions = named.map((path) => expressionOf(path));
const program = /\/(chronyc|systemctl)$/;

/** Returns a source that records the paths that no probe names in its `reads`. */
function watched(source: Source, strangers: Set<string>): Source {
  const note = (path: string): void => {
    if (!program.test(path) && !expressions.some((expression) => expression.test(path))) strangers.add(path);
  };
  const watch =
    <Rest extends readonly unknown[], Result>(read: (path: string, ...rest: Rest) => Result) =>
    (path: string, ...rest: Rest): Result => {
      note(path);
      return read(path, ...rest);
    };
  return {
    ...source,
    read: watch((path) => source.read(path)),
    readOptional: watch((path) => source.readOptional(path)),
    readStart: watch((path, maxBytes: number) => source.readStart(path, maxBytes)),
    // The script looks for the folders of cgroups by itself.
    list: (path, kind) => (kind === 'folders' ? source.list(path, kind) : watch((one) => source.list(one))(path)),
    exists: watch((path) => source.exists(path)),
    linkName: watch((path) => source.linkName(path)),
    changedMs: watch((path) => source.changedMs(path)),
  };
}

for (const box of ['', 'vm', 'container', 'container-v1', 'alpine', 'storage', 'ancient', 'metal']) {
  test(`every probe reads what it names, on ${box === '' ? 'this machine' : box}`, async () => {
    const strangers = new Set<string>();
    for (const probe of probes) {
      const context = contextOf(box, { options: { units: ['ssh'], processes: ['*'] } });
      try {
        await probe.run({ ...context, source: watched(context.source, strangers) });
      } catch {
        // The files of this machine are incomplete.
      }
    }
    assert.deepEqual([...strangers], []);
  });
}
