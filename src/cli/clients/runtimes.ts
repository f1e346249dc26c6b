import path from 'node:path';

import { takeRuntime } from '../../collector/runtimes/add-runtime.ts';
import type { RuntimeOrigin } from '../../collector/runtimes/runtime-origin.ts';
import { isOwnTarget } from '../../collector/runtimes/node-binary.ts';
import { listRuntimes, removeRuntime, type StoredRuntime } from '../../collector/runtimes/runtime-store.ts';
import { type RuntimeTarget, runtimeTargets, targetNamed } from '../../collector/runtimes/runtime-targets.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { describeSize } from '../../text/numbers.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime, utcMinute } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';

export interface RuntimesAddOptions {
  readonly platform: string;
  /** A file, `self`, `npm` or `npm@VERSION`; null: `self` if this Node.js fits, else `npm`. */
  readonly from: string | null;
  /** A SHASUMS256.txt of nodejs.org; null: nothing is compared. */
  readonly shasums: string | null;
}

/** Runs `runtimes add`: keeps a Node.js for clients of one platform. */
export async function runtimesAddCommand(context: Context, options: RuntimesAddOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const target = requireTarget(options.platform);
  const dir = claimRuntimes(context);
  const origin = originOf(options, target);
  // Both steps may take minutes.
  const showStep = (step: string): void => {
    if (output.attended && !output.json && output.verbosity !== 'quiet') output.complain(step);
  };
  showStep(`${origin.kind === 'npm' ? 'Fetching' : 'Reading'} ${originText(origin)} for ${target.name} ...`);
  const added = await takeRuntime({
    dir,
    target,
    origin,
    onChecked: () => showStep(`It is a node for ${target.name}. Compressing it takes a minute or two ...`),
    nowMs: Date.now(),
    signal,
  });
  const [smallest] = added.copies;
  const sent = smallest === undefined ? '' : `, ${describeSize(smallest.sizeBytes)} on the way (${smallest.codec})`;
  printDone(
    output,
    () => ({ command: 'runtimes', add: runtimeJson(added) }),
    () => `Clients on ${added.target} with runtime="bring" get ${nameOf(added)}${sent}.`,
  );
  return 0;
}

/** Runs `runtimes list`: lists the Node.js binaries that are kept. */
export function runtimesListCommand(context: Context): ExitStatus {
  const { output } = context;
  const { runtimes: dir } = statePaths(loadSettings(context).stateDir);
  const kept = listRuntimes(dir);
  printAnswer(
    output,
    () => ({ command: 'runtimes', runtimes: kept.map(runtimeJson) }),
    () =>
      kept.length === 0
        ? `No runtime in ${dir} yet; add one: fleet-health runtimes add linux-x64`
        : runtimesTable(output, kept),
  );
  return 0;
}

/** Runs `runtimes remove`: deletes the Node.js of a platform. Clients keep their copies. */
export function runtimesRemoveCommand(context: Context, platform: string): ExitStatus {
  const { output } = context;
  const dir = claimRuntimes(context);
  const removed = removeRuntime(dir, requireTarget(platform).name);
  if (removed === null) {
    const message = `there is no runtime for ${platform} in ${dir}`;
    throw usageError(message, 'See `fleet-health runtimes list`.');
  }
  printDone(
    output,
    () => ({ command: 'runtimes', remove: runtimeJson(removed) }),
    () => `The runtime for ${removed.target} is gone from here; clients keep what they have, unused.`,
  );
  return 0;
}

function claimRuntimes(context: Context): string {
  const paths = statePaths(loadSettings(context).stateDir);
  claimStateFolder(paths, ['runtimes']);
  return paths.runtimes;
}

function requireTarget(name: string): RuntimeTarget {
  const target = targetNamed(name);
  if (target !== null) return target;
  const names = runtimeTargets.map((known) => known.name);
  const message = `there is no platform "${name}"${didYouMean(name, names)}`;
  throw usageError(message, `Name one of ${names.join(', ')}.`);
}

function originOf({ from, shasums }: RuntimesAddOptions, target: RuntimeTarget): RuntimeOrigin {
  const npm = from === null ? null : /^npm(?:@([\w.^~-]+))?$/.exec(from);
  if (shasums !== null && (from === null || from === 'self' || npm !== null)) {
    const message = '--shasums lists release archives, and neither npm nor --from self has one';
    throw usageError(message, 'Fetch the archive, and add --from FILE.');
  }
  // The agent is tested with the major version that runs the collector.
  const ownMajor = process.versions.node.split('.')[0] ?? '';
  const ownFits = isOwnTarget(target);
  if (from === null) return ownFits ? { kind: 'self' } : { kind: 'npm', version: ownMajor };
  if (from === 'self') {
    if (ownFits) return { kind: 'self' };
    const message = `the Node.js that runs this (${process.platform}-${process.arch}) is none for ${target.name}`;
    throw usageError(message, 'Use --from npm or --from FILE.');
  }
  if (npm !== null) return { kind: 'npm', version: npm[1] ?? ownMajor };
  return { kind: 'file', file: path.resolve(from), shasums };
}

function originText(origin: RuntimeOrigin): string {
  if (origin.kind === 'npm') return `Node.js ${origin.version} from npm`;
  return origin.kind === 'self' ? 'the Node.js that runs this' : origin.file;
}

function nameOf({ version }: StoredRuntime): string {
  return version === null ? 'this Node.js' : `Node.js ${version}`;
}

function runtimeJson(runtime: StoredRuntime): unknown {
  return {
    target: runtime.target,
    version: runtime.version,
    digest: runtime.digest,
    size_bytes: runtime.sizeBytes,
    added_at: jsonTime(runtime.addedAtMs),
    source: runtime.source,
    copies: runtime.copies.map(({ codec, sizeBytes }) => ({ codec, size_bytes: sizeBytes })),
  };
}

function runtimesTable(output: Output, kept: readonly StoredRuntime[]): string {
  return renderTable(
    output,
    [
      { title: 'platform', cell: ({ target }) => target },
      { title: 'version', cell: ({ version }) => version ?? '-' },
      { title: 'size', align: 'right', cell: ({ sizeBytes }) => describeSize(sizeBytes) },
      {
        title: 'sent as',
        cell: ({ copies }) => copies.map(({ codec, sizeBytes }) => `${codec} ${describeSize(sizeBytes)}`).join(', '),
      },
      { title: 'added', cell: ({ addedAtMs }) => utcMinute(addedAtMs) },
      { title: 'digest', shrinks: true, cell: ({ digest }) => digest },
      { title: 'from', shrinks: true, cell: ({ source }) => source },
    ],
    kept,
  );
}
