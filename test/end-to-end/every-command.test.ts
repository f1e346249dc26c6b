// Second tier: starts each command and each mode of both programs
/** Each line of the table of commands, typed into a shell, with the installed programs; once more with -q. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, suite, test } from 'node:test';

import { freePort } from '../support/servers/free-port.ts';
import { startHttpReceiver } from '../support/servers/http-receiver.ts';
import { startSmtpServer } from '../support/servers/smtp-server.ts';
import { sshKeygen } from '../support/ssh/sshd.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { typeLine, type TypedLine } from '../support/programs/typed-line.ts';
import { commandLines, type CommandLine } from './support/command-lines.ts';

/** Returns a line of the table as it is typed with -q; null if it is not. */
function quietLine({ line, says, quiet, ...rest }: CommandLine): CommandLine | null {
  if (rest.runs === 'until all have ended') return { line, says, ...rest };
  if (quiet === undefined) return null;
  const typed = line.replace(/fleet-health(?:-agent)? /, (program) => `${program}-q `);
  return { line: typed, says: quiet === 'same' ? says : quiet, ...rest };
}

const quietLines = commandLines.map(quietLine).filter((line) => line !== null);

typeAll('typed into a shell', commandLines);
typeAll('typed into a shell with -q', quietLines);

function typeAll(title: string, lines: readonly CommandLine[]): void {
  suite(title, { timeout: 900_000 }, () => {
    const dir = tempFolder();
    const kept: TypedLine[] = [];
    const ended: (() => unknown)[] = [];
    let [hq, posts, spokePort] = ['', '', 0];

    before(async () => {
      const [smtp, receiver, serve] = [await startSmtpServer(), await startHttpReceiver(), await freePort()];
      ended.push(
        () => smtp.stop(),
        () => receiver.stop(),
      );
      [hq, posts, spokePort] = [`http://127.0.0.1:${serve}/`, receiver.origin, await freePort()];
      sshKeygen(path.join(dir, 'key'), '-t', 'ed25519', '-N', '');
      const config = `<config>
  <smtp host="127.0.0.1" port="${smtp.port}" from="fleet@example.org"/>
  <serve host="127.0.0.1" port="${serve}"><look/><push/><events/></serve>
  <alerts><mail to="ops@example.org"/><alert type="disk" limit="1%"/></alerts>
  <ssh username="monitor" privateKey="key"/>
  <client name="here" ip="127.0.0.1" transport="local"/>
  <client name="web" ip="127.0.0.1" port="1"/>
  <client name="pushing" transport="push"/>
</config>\n`;
      writeFileSync(path.join(dir, 'config.xml'), config, { mode: 0o600 });
    });

    /** Completes the agent.json that `enroll` has written, and puts it where the agent program looks for it. */
    const enrol = (): void => {
      const enrolled = JSON.parse(readFileSync(path.join(dir, 'enrolled.json'), 'utf8')) as object;
      const folder = path.join(dir, '.config', 'fleet-health');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const own = {
        ...enrolled,
        state_directory: path.join(dir, 'agent-state'),
        pattoo: { to: posts, every: '10s' },
        edge: { every: '10s', rules: [{ type: 'disk', mount: '/', limit: '1%' }] },
        spoke: { listen_address: '127.0.0.1', ip_bind_port: spokePort },
      };
      writeFileSync(path.join(folder, 'agent.json'), JSON.stringify(own), { mode: 0o600 });
    };

    const run = async ({ line, says, exit = 0, runs }: CommandLine): Promise<void> => {
      const typed = typeLine(line.replace('HQ', hq).replace('POSTS', posts), dir);
      if (runs === undefined) {
        const { status } = await typed.outcome;
        assert.deepEqual([status, says.test(typed.said())], [exit, true], typed.said());
        return;
      }
      await typed.untilSaid(says);
      if (runs === 'until all have ended') kept.push(typed);
      else await typed.end();
    };

    for (const commandLine of lines) {
      test(commandLine.line, async () => {
        await run(commandLine);
        if (/^fleet-health (?:-q )?enroll/.test(commandLine.line)) enrol();
      });
    }

    test('and `serve` has run until now', async () => {
      for (const { child, end } of kept) {
        assert.equal(child.exitCode, null);
        assert.equal((await end()).status, 0);
      }
      for (const end of ended) await end();
    });
  });
}
