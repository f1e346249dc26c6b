/** The bundled agent, started by the real loader in a home of its own. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { bundles, filesBelow, keep, machine, modeOf } from '../support/clients/agent-visit.ts';
import { shellConnection } from '../support/clients/shell-connection.ts';

test('the first visit brings the agent, the second finds it; only agent and counters are left', async (t) => {
  const { home, visit, clientDir } = machine(t);
  const connection = shellConnection({ env: { HOME: home, PATH: process.env['PATH'] ?? '' } });
  const first = await visit({ connection });
  assert.equal(first.result.fault, null);
  assert.equal(first.result.uploaded, true);
  assert.equal(connection.commands.length, 2);

  const again = shellConnection({ env: { HOME: home, PATH: process.env['PATH'] ?? '' } });
  const second = await visit({ connection: again });
  assert.equal(second.result.fault, null);
  assert.equal(second.result.uploaded, false);
  assert.equal(again.commands.length, 1);
  assert.equal(second.result.acknowledged, 1);

  assert.deepEqual(
    filesBelow(home)
      .map((file) => path.basename(file))
      .sort(),
    [`${bundles.agent.digest}.t.cjs`, 'counters.json'].sort(),
  );
  for (const file of filesBelow(home)) assert.equal(modeOf(path.join(home, file)), 0o600, file);
  for (let dir = clientDir(); dir !== path.join(home, '.local/state'); dir = path.dirname(dir)) {
    assert.equal(modeOf(dir), 0o700, dir);
  }
});

test('what the report says of itself is what the header, the hello and the collector say', async (t) => {
  const { visit } = machine(t);
  const runId = 'b0f0a1d4-1111-4222-8333-444455556666';
  const { result, received, reports } = await visit({ runId });
  const [report] = reports;
  const [sent] = received;
  assert.ok(report && sent && result.hello);
  assert.equal(report.report_id, sent.header.reportId);
  assert.equal(sent.header.client, 'web-1');
  assert.equal(report.run_id, runId);
  assert.equal(report.name, 'Daemon report');
  assert.equal(report.boot_id, fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  assert.equal(report.boot_id, result.hello.boot_id);
  assert.ok(report.monotonic_ms >= result.hello.monotonic_ms);
  assert.ok(Math.abs(result.hello.offsetMs) < 5000);
  assert.ok(report.agent.cpu_ms > 0 && report.agent.wall_ms > 0 && report.agent.rss_bytes > 1e6);
  assert.equal(report.agent.dropped_reports, undefined);
});

test('two collectors and two names of one machine never touch each other', async (t) => {
  const { visit, home } = machine(t);
  await visit({ onReport: keep });
  const other = await visit({ collectorId: 'other' });
  assert.equal(other.result.reports, 1);
  const named = await visit({ client: 'web-2' });
  assert.equal(named.result.reports, 1);
  assert.equal(filesBelow(home).filter((file) => file.endsWith('.fhs')).length, 1);
});

test('a folder that others may enter is not used, nor is one behind a symbolic link', async (t) => {
  const { visit, home } = machine(t);
  const place = path.join(home, '.local/state/fleet-health');
  fs.mkdirSync(place, { recursive: true });
  fs.chmodSync(place, 0o755);
  const uid = process.getuid?.() ?? 0;
  const collectorId = `test-${process.pid}`;
  t.after(() => {
    for (const machineId of fs.readdirSync(`/var/tmp/fleet-health-${uid}`)) {
      fs.rmSync(`/var/tmp/fleet-health-${uid}/${machineId}/${collectorId}`, { recursive: true, force: true });
    }
  });
  const open = await visit({ collectorId });
  assert.equal(open.result.fault, null);
  assert.deepEqual(filesBelow(place), []);
  assert.ok(open.result.end?.place?.startsWith(`/var/tmp/fleet-health-${uid}/`));

  fs.rmSync(place, { recursive: true });
  const elsewhere = path.join(home, 'elsewhere');
  fs.mkdirSync(elsewhere, { mode: 0o700 });
  fs.symlinkSync(elsewhere, place);
  const linked = await visit({ collectorId });
  assert.equal(linked.result.fault, null);
  assert.equal(linked.result.uploaded, false);
  assert.deepEqual(filesBelow(elsewhere), []);
});

test('a new agent replaces the old one; the other program stays', async (t) => {
  const { visit, home, clientDir } = machine(t);
  await visit();
  const dir = path.dirname(clientDir());
  fs.writeFileSync(path.join(dir, `${'0'.repeat(64)}.t.cjs`), 'an old version', { mode: 0o600 });
  fs.writeFileSync(path.join(dir, `${bundles.inventory.digest}.w.cjs`), 'the other program', { mode: 0o600 });
  fs.unlinkSync(path.join(dir, `${bundles.agent.digest}.t.cjs`));
  const { result } = await visit();
  assert.equal(result.uploaded, true);
  assert.deepEqual(
    filesBelow(home)
      .map((file) => path.basename(file))
      .sort(),
    [`${bundles.agent.digest}.t.cjs`, 'counters.json', `${bundles.inventory.digest}.w.cjs`].sort(),
  );
});

test('an agent whose file is damaged is brought again, once', async (t) => {
  const { visit, clientDir } = machine(t);
  await visit();
  const file = path.join(path.dirname(clientDir()), `${bundles.agent.digest}.t.cjs`);
  fs.writeFileSync(file, fs.readFileSync(file).subarray(0, 1000));
  const { result } = await visit();
  assert.equal(result.fault, null);
  assert.equal(result.uploaded, true);
  assert.deepEqual(fs.readFileSync(file), bundles.agent.content);
});
