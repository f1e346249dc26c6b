import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import * as v from 'valibot';

import { messageOf, usageError } from '../../platform/errors/errors.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { keepFile, withFolder } from '../../simulator/fleet-folder.ts';
import { generateHostKey, type LoopbackServer, startLoopbackServer } from '../../simulator/loopback-server.ts';
import { makeFolder } from '../../state-folder/durable-file.ts';

/** The folder of the demo and its SSH servers while they run. */
export type DemoFleet = Awaited<ReturnType<typeof startDemoFleet>>;

/**
 * The names of the clients. All but `local` are SSH servers on loopback; the limit of `tight` is below its fullest
 * mount.
 */
export const demoNames = { web: 'web-1', tight: 'db-1', leaving: 'cache-1', local: 'this-machine' } as const;

const servers = [demoNames.web, demoNames.tight, demoNames.leaving] as const;
const username = 'demo';
const limitPlace = '<!-- LIMIT -->';

/** The port of each server. */
const demoState = v.object({ ports: v.object(v.entriesFromList(servers, v.pipe(v.number(), v.integer()))) });
type DemoState = v.InferOutput<typeof demoState>;

/**
 * Makes the folder, or reuses the folder of an earlier demo, and starts its servers on free ports. Throws FleetError
 * `usage` if the folder holds something else or cannot be used.
 */
export async function startDemoFleet(dir: string) {
  const inside = (...parts: string[]): string => path.join(dir, ...parts);
  const stateFile = inside('demo.json');
  const { kept, password } = withFolder(dir, () => claimFolder(dir, stateFile));
  const before = kept ? readState(stateFile) : null;

  const running = new Map<string, LoopbackServer>();
  const start = async (name: string): Promise<void> => {
    const home = inside('homes', name);
    makeFolder(home);
    const hostKey = keepFile(inside('server-keys', name), generateHostKey);
    const port = running.get(name)?.port;
    const options = { hostKey, username, password, home };
    running.set(name, await startLoopbackServer(port === undefined ? options : { ...options, port }));
  };
  for (const name of servers) await start(name);
  const ports = Object.fromEntries([...running].map(([name, { port }]) => [name, port]));
  const configFile = inside('config.xml');
  if (before === null) writeFileSync(configFile, configText(ports), { mode: 0o600 });
  else for (const file of [configFile, inside('state', 'known_hosts')]) movePorts(file, before.ports, ports);
  writeFileSync(stateFile, JSON.stringify({ ports }));

  return {
    dir,
    configFile,
    /** True if config.xml is from an earlier demo. */
    kept: before !== null,
    /** True if config.xml still waits for setDiskLimit. */
    needsLimit: readFileSync(configFile, 'utf8').includes(limitPlace),
    /** Stops one server. Its client cannot be reached until `start` starts the server again on its old port. */
    stop: async (name: string) => running.get(name)?.close(),
    start,
    close: async (): Promise<void> => {
      await Promise.all([...running.values()].map((server) => server.close()));
    },
  };
}

/** Makes the folder and its password, unless they exist from an earlier demo. */
function claimFolder(dir: string, stateFile: string): { readonly kept: boolean; readonly password: string } {
  const kept = existsSync(stateFile);
  if (!kept && existsSync(dir) && readdirSync(dir).length > 0) {
    throw usageError(`${dir} is not empty and not the folder of an earlier demo`, 'Name another one with --dir.');
  }
  makeFolder(path.join(dir, 'server-keys'));
  const password = keepFile(path.join(dir, 'demo.password'), () => randomBytes(18).toString('base64url')).trim();
  return { kept, password };
}

/** Puts a limit just below the given fill level into a new config.xml, or no limit if the level is unknown (null). */
export function setDiskLimit(configFile: string, usedPercent: number | null): void {
  const limit = usedPercent === null ? null : Math.max(0, Math.ceil(usedPercent) - 1);
  const alert = limit === null ? '' : `<alert type="disk" limit="${limit}%"/>`;
  writeFileSync(configFile, readFileSync(configFile, 'utf8').replace(limitPlace, alert));
}

function configText(ports: Readonly<Record<string, number>>): string {
  const client = (name: string): string => `<client name="${name}" ip="127.0.0.1" port="${ports[name] ?? 22}"`;
  return `<config>
  <collector every="5m" connectTimeout="5s" clientDeadline="20s"/>
  <ssh username="${username}" passwordFile="demo.password"/>
  <!-- There is no <smtp>, so mails are files in state/outbox. Usually two full runs in a row must fail before a machine
       is called unreachable, and warnings and recoveries wait for each other a quarter of an hour; not here. -->
  <alerts groupInterval="1s">
    <mail to="you@example.org"/>
    <alert name="unreachable" for="1x"/>
  </alerts>
  <!-- The pages of the command serve, for this machine alone. -->
  <serve><look/></serve>

  <!-- Three SSH servers on this machine. They end with the demo; its option serve starts them again. -->
  <group name="servers">
    ${client(demoNames.web)}/>
    ${client(demoNames.tight)}>
      <!-- Just below how full its fullest mount is, so that you see what trouble looks like. -->
      ${limitPlace}
    </client>
    ${client(demoNames.leaving)}/>
  </group>

  <!-- No SSH: the same program, run on the collector's own machine. -->
  <client name="${demoNames.local}" ip="127.0.0.1" transport="local"/>
</config>
`;
}

/** Replaces the old ports by the new ones: servers get new ports at every start. Keeps the rest of the file. */
function movePorts(file: string, from: Readonly<Record<string, number>>, to: Readonly<Record<string, number>>): void {
  if (!existsSync(file)) return;
  const moved = new Map(Object.entries(from).map(([name, port]) => [String(port), String(to[name] ?? port)]));
  const text = readFileSync(file, 'utf8').replace(
    /(port="|\[127\.0\.0\.1\]:)(\d+)/g,
    (_whole, before: string, port: string) => `${before}${moved.get(port) ?? port}`,
  );
  writeFileSync(file, text);
}

function readState(file: string): DemoState {
  try {
    const state = parseJson(demoState, readFileSync(file));
    if (state === null) throw new Error('a port is missing');
    return state;
  } catch (thrown) {
    throw usageError(`${file}: ${messageOf(thrown)}`, 'Remove the folder, or name another one with --dir.');
  }
}
