/** Probes on files that exist in memory alone. */
import assert from 'node:assert/strict';

import { openSource } from '../../../agent/live/live-source.ts';
import type { Earlier, Probe, ProbeResult } from '../../../agent/probes/probe.ts';
import type { Source } from '../../../agent/probes/source.ts';

export type Files = Readonly<Record<string, string>>;

/** Returns a source of files in memory. A folder is there if a file is in it. */
function sourceOf(files: Files): Source {
  const readOptional = (path: string): string | null => files[path] ?? null;
  const read = (path: string): string => readOptional(path) ?? '';
  return {
    ...openSource('/nowhere'),
    read,
    readOptional,
    readStart: read,
    list: (path) => {
      const below = Object.keys(files).flatMap((file) =>
        file.startsWith(`${path}/`) ? [file.slice(path.length + 1)] : [],
      );
      return [...new Set(below.map((file) => file.split('/', 1)[0] ?? ''))];
    },
    exists: (path) => Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`)),
    linkName: (path) => (path === '/proc/self/ns/pid' ? 'pid:[4026531836]' : null),
    isFolder: () => true,
    realPath: (path) => path,
    changedMs: () => 0,
  };
}

/** Runs a probe that does not wait. */
export function run(probe: Probe, files: Files, earlier: Earlier | null = null): ProbeResult {
  const context = { options: {}, earlier, noRates: 'first visit', leftMs: () => 1000 };
  const result = probe.run({ source: sourceOf(files), ...context });
  assert.ok(!(result instanceof Promise));
  return result;
}
