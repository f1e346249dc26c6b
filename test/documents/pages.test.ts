// Second tier: runs eighty commands of the installed programs.
/**
 * The lines of the pages that start a program of the project, as they stand, in the order of the pages and in one home.
 * README, quick-start.md and installation.md have tests of their own, which run everything that is typed there.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startHttpReceiver } from '../support/servers/http-receiver.ts';
import { succeeded } from '../support/programs/run-cli.ts';
import { startSmtpServer } from '../support/servers/smtp-server.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { typeLine } from '../support/programs/typed-line.ts';
import { blocksOf, typedLines, withoutRemark } from './page-blocks.ts';

interface Line {
  /** The line with the reader's own name, number or file in place of the page's. */
  readonly instead?: string;
  /** The exit status. Default: 0. */
  readonly status?: number;
  /** Words of a program that keeps running. The test ends it once it has said them. */
  readonly runs?: RegExp;
}

const running = { runs: /event=serve-started/ };
/** Lines that do not simply run as they stand and end with 0. */
const lines: Readonly<Record<string, Line>> = {
  'fleet-health ack 12': { instead: 'fleet-health ack 1' },
  'fleet-health unack 12': { instead: 'fleet-health unack 1' },
  'fleet-health silence expire 3': { instead: 'fleet-health silence expire 1' },
  'fleet-health ack web group-short': { status: 1 },
  'fleet-health tune --show memory': { instead: 'fleet-health tune --show disk' },
  'fleet-health alerts --exit-status': { status: 1 },
  'fleet-health show CLIENT': { instead: 'fleet-health show web-1' },
  'fleet-health serve': running,
  'fleet-health status --watch': { instead: "script -qec 'fleet-health status --watch' /dev/null", runs: /web-1/ },
  'fleet-health-agent spoke': { runs: /event=listening/ },
  'fleet-health simulate --clients 10000 --profile storm': {
    instead: 'fleet-health simulate --clients 20 --profile storm',
    runs: /Ctrl-C/,
  },
  'fleet-health -c /etc/fleet-health/config.xml backup /backup/fleet.db': {
    instead: 'fleet-health -c config.xml backup saved.db',
  },
  'fleet-health report --split /var/www/fleet': { instead: 'fleet-health report --split www' },
  'fleet-health-agent report --format pattoo --every 1m -o /var/tmp/reports.jsonl': {
    instead: 'fleet-health-agent report --format pattoo --every 1m -o reports.jsonl',
    runs: /event=reporting/,
  },
};
const ssh = 'needs a machine with ssh: quick-start.test.ts';
const foreign = 'needs a server of others';
/** The reason that a line is not run. */
const notRun: Readonly<Record<string, string>> = {
  'fleet-health spool web-1 --script | ssh monitor@web-1 sh': ssh,
  'fleet-health spool web-1 --remove | ssh monitor@web-1 sh': ssh,
  'fleet-health check --replies': foreign,
  'fleet-health report --group db | mail -a db.html ...': 'holds an ellipsis',
  'fleet-health import http-sd https://netbox.example.org/api/plugins/prometheus-sd/devices/': foreign,
  'fleet-health export pattoo --to https://pattoo.example.org/pattoo/api/v1/agent': foreign,
  'fleet-health-agent push --format pattoo --to https://pattoo.example.org/pattoo/api/v1/agent': foreign,
  'fleet-health copy --to mysql://fleet@db.example.org/fleet --password-file db.password': foreign,
  'fleet-health events send nas backup CRIT "disk full" --to https://collector.example.org/': foreign,
};

const ofTheirOwn = /^(?:quick-start|installation)\.md$/;
const pages = readdirSync(path.join(packageDir, 'docs')).filter((name) => /\.md$/.test(name) && !ofTheirOwn.test(name));
const typed = pages.flatMap((name) =>
  blocksOf(`docs/${name}`).flatMap((block) =>
    typedLines(block)
      .map((line) => withoutRemark(line).replace(/ {3,}.*$/, ''))
      .filter((line) => /^fleet-health(?:-agent)? /.test(line))
      .map((line) => ({ line, place: `docs/${name}:${block.line}` })),
  ),
);

suite('the pages', () => {
  const dir = tempFolder();
  const ended: (() => unknown)[] = [];
  before(async () => {
    const [smtp, receiver] = [await startSmtpServer(), await startHttpReceiver()];
    ended.push(
      () => smtp.stop(),
      () => receiver.stop(),
    );
    const write = (name: string, text: string): void => writeFileSync(path.join(dir, name), text, { mode: 0o600 });
    const [own, pushed] = [await freePort(), await freePort()];
    write('config.xml', configOf(smtp.port, receiver.origin, own));
    write('pushed.xml', configOf(smtp.port, receiver.origin, pushed));
    write('trial.xml', configOf(smtp.port, receiver.origin, own).replace('limit="1%"', 'limit="2%"'));
    write('inventory.yml', 'all:\n  hosts:\n    web-2:\n      ansible_host: 192.0.2.12\n');
    mkdirSync(path.join(dir, 'clients.d'));
    const hq = `http://127.0.0.1:${pushed}/`;
    const first = ['collect db-1', 'alert -q', `enroll laptop --https ${hq} -o enrolled.json`];
    for (const words of first) await succeeded(typeLine(`fleet-health ${words}`, dir).outcome);
    const serve = typeLine('fleet-health -c pushed.xml serve', dir);
    ended.push(serve.end);
    await serve.untilSaid(/event=serve-started/);
    const enrolled = JSON.parse(readFileSync(path.join(dir, 'enrolled.json'), 'utf8')) as object;
    for (const name of ['.config/fleet-health', 'agent-state'])
      mkdirSync(path.join(dir, name), { recursive: true, mode: 0o700 });
    const more = {
      edge: { every: '10s', rules: [{ type: 'disk', mount: '/', limit: '1%' }] },
      spoke: { listen_address: '127.0.0.1', ip_bind_port: await freePort() },
    };
    write(
      '.config/fleet-health/agent.json',
      JSON.stringify({ ...enrolled, state_directory: path.join(dir, 'agent-state'), ...more }),
    );
    await succeeded(typeLine('fleet-health-agent push', dir).outcome);
  });
  after(async () => {
    for (const end of ended) await end();
  });

  for (const { line, place } of typed.filter((one) => !(one.line in notRun))) {
    test(`${place}: ${line}`, async () => {
      const { instead = line, status = 0, runs } = lines[line] ?? {};
      const typedLine = typeLine(instead, dir);
      if (runs === undefined) {
        assert.equal((await typedLine.outcome).status, status, typedLine.said());
        return;
      }
      await typedLine.untilSaid(runs);
      await typedLine.end();
    });
  }

  test('the mode that a page starts in the background ends', async () => {
    assert.match(await succeeded(typeLine('fleet-health-agent stop edge', dir).outcome), /^edge has ended/);
  });

  test('each entry of the lists stands on a page', () => {
    const all = new Set(typed.map(({ line }) => line));
    assert.deepEqual(
      [...Object.keys(lines), ...Object.keys(notRun)].filter((line) => !all.has(line)),
      [],
    );
  });
});

function configOf(smtp: number, webhook: string, serve: number): string {
  return `<config>
  <state dir="state"/>
  <smtp host="127.0.0.1" port="${smtp}" security="none" from="fleet@example.org"/>
  <serve host="127.0.0.1" port="${serve}"><look/><push/><events/><metrics/></serve>
  <alerts mail="ops@example.org"><alert type="disk" limit="1%"/><digest to="ops@example.org" days="mon"/>
    <webhook name="chat" url="${webhook}/" format="text"/></alerts>
  <group name="web" need="1"><client name="web-1" ip="127.0.0.1" transport="local"/></group>
  <group name="db-main"><client name="db-1" ip="127.0.0.1" transport="local"/></group>
  <client name="laptop" transport="push"/><client name="nas" ip="127.0.0.1" transport="local"/>
  <group transport="forward" labels="site=fra"><client name="far-1"/></group>
</config>\n`;
}
