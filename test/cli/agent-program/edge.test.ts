// Second tier: waits for programs that start and end.
/** `fleet-health-agent edge`: alerts of the built program, written to a socket. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { agentProgram, exits, outcomeOf, startCli, type CliResult } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

/** Starts a server that keeps the text that it receives. */
async function receiver(t: TestContext, at: number | string = 0): Promise<{ readonly server: Server; text: string }> {
  const received = { server: createServer(), text: '' };
  const { server } = received;
  server.on('connection', (socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => (received.text += text));
  });
  await new Promise<void>((resolve) => server.listen(at, resolve));
  t.after(() => server.close());
  return received;
}

interface Edge {
  readonly dir: string;
  readonly configure: (edge: Readonly<Record<string, unknown>>) => void;
  /** Runs `edge` until its output matches, or until `holds` is true, and then ends it. */
  readonly run: (args: readonly string[], says: RegExp, holds?: () => boolean) => Promise<CliResult>;
}

function edgeIn(t: TestContext): Edge {
  const dir = tempFolder(t);
  const config = path.join(dir, 'agent.json');
  return {
    dir,
    configure: (edge) => {
      // Every machine uses more than a thousandth of its memory.
      const rules = [{ type: 'memory', limit: '0.1%', for: '1x' }];
      const settings = { client: 'web-1', state_directory: path.join(dir, 'state'), edge: { rules, ...edge } };
      writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
    },
    run: async (args, says, holds = () => false) => {
      const child = startCli(['-c', config, 'edge', ...args], { program: agentProgram });
      t.after(() => child.kill('SIGKILL'));
      const outcome = outcomeOf(child);
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: string) => (said += text));
      await until(
        () => says.test(said) || holds() || child.exitCode !== null,
        () => `it has said: ${said}`,
        30_000,
      );
      child.kill('SIGTERM');
      return await outcome;
    },
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('a change is logged once, and what fires without --send is sent by the next run with it, once', async (t) => {
  const { configure, run, dir } = edgeIn(t);
  const received = await receiver(t);
  let connections = 0;
  received.server.on('connection', () => (connections += 1));
  configure({ to: `tcp://127.0.0.1:${portOf(received.server)}` });
  const file = path.join(dir, 'state', 'edge.jsonl');
  const quiet = await run([], /nothing/, () => existsSync(file));
  assert.deepEqual([quiet.status, quiet.stderr], [0, '']);
  assert.match(quiet.stdout, /event=alert host=web-1 rule=memory subject="" state=firing severity=critical/);
  assert.equal(connections, 0);

  // The first run has logged the alert. The state of the rule is kept for later runs.
  assert.ok(existsSync(file), 'no report is kept');
  const size = statSync(file).size;
  const again = await run(['--send'], /event=alert/, () => statSync(file).size > size && received.text.endsWith('\n'));
  assert.ok(!again.stdout.includes('event=alert'), again.stdout);
  const third = statSync(file).size;
  await run(['--send'], /event=alert/, () => statSync(file).size > third);
  assert.match(received.text, /^\{"host":"web-1","rule":"memory",[^\n]*"state":"firing"[^\n]*\n$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal((JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '') as { client: string }).client, 'web-1');
});

test('a line that a socket does not take comes with the next run, and has its eight keys', async (t) => {
  const { configure, run, dir } = edgeIn(t);
  const socket = path.join(dir, 'alerts.sock');
  configure({ to: `unix:${socket}`, send: true });
  const { stderr } = await run([], /event=not-sent/);
  assert.match(stderr, /event=not-sent waiting=1 dropped=0 reason=".*ENOENT/);
  const received = await receiver(t, socket);
  await run([], /event=not-sent/, () => received.text.endsWith('\n'));
  const lines = received.text.trimEnd().split('\n');
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? '') as Readonly<Record<string, unknown>>;
  assert.deepEqual(Object.keys(line), ['host', 'rule', 'subject', 'state', 'severity', 'value', 'limit', 'at']);
  assert.deepEqual([line['host'], line['state'], line['limit']], ['web-1', 'firing', 'at least 0.1 %']);
});

test('edge without rules, and --send without a socket, are refused', async (t) => {
  const { configure, run, dir } = edgeIn(t);
  configure({});
  await exits(2, run(['--send'], /to/), /"edge" has no "to", so nothing can be sent/);
  writeFileSync(path.join(dir, 'agent.json'), '{}', { mode: 0o600 });
  await exits(2, run([], /edge/), /agent\.json has no "edge"/);
});
