/** Plugins of monitoring-plugins-basic and -contrib, and the nrpe.cfg of nagios-nrpe-server, run by the agents. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { maxFigures, parsePerfdata } from '../../src/report/checks/perfdata.ts';
import { checkStats, type CheckStat } from '../../src/report/checks/checks.ts';
import { maxChecks, type CheckResult, type RefusedCheck } from '../../src/report/checks.ts';
import { checkAgents, checkClient, type CheckAgent } from '../support/clients/check-client.ts';
import {
  pluginFolder,
  pluginRuns,
  plugins,
  skipWithoutPlugins,
  skipWithoutUnpacked,
  unpacked,
} from './support/plugins.ts';

const [node, shell] = checkAgents;
assert.ok(node !== undefined && shell !== undefined);
const chunk = 25;

/** Visits a client whose conf file has these lines, in chunks that fit into a visit. Returns all results. */
async function run(t: TestContext, agent: CheckAgent, lines: readonly string[]): Promise<readonly CheckResult[]> {
  const client = checkClient(t, agent);
  const results: CheckResult[] = [];
  for (let at = 0; at < lines.length; at += chunk) {
    client.conf(lines.slice(at, at + chunk).join('\n'));
    const { checks, refused } = await client.visit();
    assert.deepEqual(refused, []);
    results.push(...checks);
  }
  return results;
}

const rowsOf = (checks: readonly CheckResult[]): readonly CheckStat[] =>
  checks.flatMap((check) => checkStats({ datetime: new Date().toISOString(), checks: [check] }));

test(
  'every plugin says how it is used, and none of it is taken for figures',
  { skip: skipWithoutPlugins },
  async (t) => {
    const lines = plugins.map((name) => `${name} timeout=30s ${pluginFolder}/${name} --help`);
    const [ofNode, ofShell] = [await run(t, node, lines), await run(t, shell, lines)];
    assert.equal(ofNode.length, plugins.length);
    assert.deepEqual(ofShell, ofNode);
    const rows = rowsOf(ofNode);
    assert.deepEqual(
      rows.filter(({ perfdata }) => perfdata !== ''),
      [],
    );
    // Plugins that lack a module of their language, or cannot be loaded, print nothing on stdout.
    const speaking = ofNode.filter(({ output }) => output !== '');
    assert.ok(speaking.length >= 100, `${speaking.length} of ${plugins.length}`);
    for (const { name, exit, why } of speaking) assert.ok(why === null && exit !== null && exit <= 3, name);
    for (const [at, { exit, why }] of ofNode.entries()) {
      const isKnown = why === null && exit !== null && exit <= 3;
      assert.equal(rows[at]?.state, isKnown ? exit : 3);
    }
  },
);

for (const agent of [node, shell]) {
  test(`plugins that run here: states, texts and figures (${agent.name})`, { skip: skipWithoutPlugins }, async (t) => {
    const folder = path.join(checkClient(t, agent).home, 'files');
    mkdirSync(path.join(folder, 'lists/partial'), { recursive: true });
    writeFileSync(path.join(folder, 'status'), 'OK\nall is well\n');
    const commandOf = (command: string): string =>
      `${pluginFolder}/${command.replaceAll('FILE/', `${folder}/`).replace(' check_dummy', ` ${pluginFolder}/check_dummy`)}`;
    const lines = pluginRuns.map(({ command }, at) => `r${at} timeout=30s ${commandOf(command)}`);
    const checks = await run(t, agent, lines);
    const rows = rowsOf(checks);
    assert.equal(rows.length, pluginRuns.length);
    for (const [at, { command, states, text, labels = '' }] of pluginRuns.entries()) {
      const [row, check] = [rows[at], checks[at]];
      assert.ok(row !== undefined && check !== undefined);
      const said = `${command}: ${row.state} ${row.text} | ${row.perfdata}\n${check.output}`;
      assert.equal(check.why, null, said);
      assert.ok(states.includes(String(row.state)), said);
      assert.match(row.text, text, said);
      const figures = parsePerfdata(row.perfdata);
      const named = figures.map(({ label }) => label);
      const wanted = labels.split(' ').filter((label) => label !== '');
      if (!wanted.includes('*')) assert.deepEqual(named, wanted, said);
      for (const label of wanted) assert.ok(label === '*' || named.includes(label), said);
      for (const { value } of figures) assert.ok(value !== null && Number.isFinite(value), said);
      // All figures that a plugin wrote after the bar of its first line are stored.
      const [, written = ''] = /\|([^\n]*)/.exec(check.output) ?? [];
      const count = (written.match(/=/g) ?? []).length;
      assert.equal(figures.length >= Math.min(count, maxFigures), true, said);
    }
  });
}

const nrpe = skipWithoutPlugins || skipWithoutUnpacked('nagios-nrpe-server');
for (const agent of [node, shell]) {
  test(`the nrpe.cfg of nagios-nrpe-server is taken as it is (${agent.name})`, { skip: nrpe }, async (t) => {
    const cfg = path.join(unpacked('nagios-nrpe-server'), 'etc/nagios/nrpe.cfg');
    const names = [...readFileSync(cfg, 'utf8').matchAll(/^command\[(.+?)\]=(?!.*\$ARG)/gm)].map(([, name]) => name);
    assert.ok(names.length >= 5 && names.length <= maxChecks);
    const client = checkClient(t, agent);
    client.conf(`include-nrpe ${cfg}\n`);
    const { checks, refused }: { checks: readonly CheckResult[]; refused: readonly RefusedCheck[] } =
      await client.visit();
    assert.deepEqual(
      checks.map(({ name }) => name),
      names,
    );
    for (const { name, exit, why, output } of checks) {
      assert.ok(why === null && exit !== null && exit <= 3 && output !== '', `${name}: ${why ?? ''} ${String(exit)}`);
    }
    for (const { why } of refused) assert.equal(why, 'takes arguments');
  });
}
