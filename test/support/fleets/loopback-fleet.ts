import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startLoopbackServer } from '../../../src/simulator/loopback-server.ts';
import { configFolder, runBuilt, runCli, startCli, type CliOptions } from '../programs/run-cli.ts';
import type { Scope } from '../temp-folder.ts';

export type LoopbackFleet = Awaited<ReturnType<typeof startLoopbackFleet>>;

/**
 * Makes a folder with a config.xml whose clients c1, c2 ... are loopback servers, for the program. With `trusted` their
 * host keys are known already. All of it is removed after the test.
 */
export async function startLoopbackFleet(t: Scope, count: number, options: { readonly trusted: boolean }) {
  const dir = configFolder(t, '');
  const servers = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const home = path.join(dir, `home-${index + 1}`);
      mkdirSync(home, { mode: 0o700 });
      return startLoopbackServer({ username: 'u', password: 'a secret word', home });
    }),
  );
  t.after(() => Promise.all(servers.map((server) => server.close())));
  const clients = servers.map(({ port }, index) => `  <client name="c${index + 1}" ip="127.0.0.1" port="${port}"/>\n`);
  const file = path.join(dir, 'config.xml');
  writeFileSync(file, `<config>\n  <ssh username="u" password="a secret word"/>\n${clients.join('')}</config>\n`);
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  if (options.trusted) {
    const lines = servers.map(({ port, hostKey }) => `[127.0.0.1]:${port} ${hostKey.type} ${hostKey.key}\n`);
    writeFileSync(path.join(dir, 'state', 'known_hosts'), lines.join(''));
  }
  return {
    dir,
    servers,
    /** Runs the program with this config.xml. */
    run: (args: readonly string[], more?: CliOptions) => runCli(['-c', file, ...args], more),
    /** Runs the built program with this config.xml, as a process of its own. */
    runBuilt: (args: readonly string[], more?: CliOptions) => runBuilt(['-c', file, ...args], more),
    start: (args: readonly string[], more?: CliOptions) => startCli(['-c', file, ...args], more),
    /** Adds text before the closing tag of config.xml. */
    configure: (text: string) =>
      writeFileSync(file, readFileSync(file, 'utf8').replace('</config>', `${text}</config>`)),
  };
}
