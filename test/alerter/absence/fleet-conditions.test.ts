import assert from 'node:assert/strict';
import { test } from 'node:test';

import { databaseUpSince, fleetConditions } from '../../../src/alerter/absence/fleet-conditions.ts';
import { builtinRules, ruleListOf } from '../../../src/config/rules/builtin-rules.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { SeenClient } from '../../../src/storage/store/fleet-store.ts';
import type { SealedSummary } from '../../../src/storage/store/sealed-store.ts';
import { configOf } from '../support/config-of.ts';
import { client, lost, run, seen, startPasses } from '../support/fleet-passes.ts';
import { at } from '../support/rows.ts';
import { clock, everyMs, sampledRowsOf, startTransition } from '../support/time-line.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { siteId } from '../../../src/state-folder/collector-id.ts';

const three = `${client('web-1')}${client('web-2')}${client('web-3')}`;
const config = configOf(`<alerts zone="UTC"/>${three}`);

test('each condition of the fleet is evaluated', () => {
  const names = builtinRules(everyMs).flatMap(({ name, of }) => (ruleListOf[of] === 'fleet' ? name : []));
  assert.deepEqual(Object.keys(fleetConditions).toSorted(), names.toSorted());
});

test('a collector without a finished full run for three times every is silent, until its next one', () => {
  const { pass, stored } = startPasses(config);
  assert.deepEqual(pass('08:15', [run('08:00')]), []);
  assert.deepEqual(pass('08:16', [run('08:00')]), ['collector-silent c1 firing']);
  const [alert] = stored.values();
  assert.deepEqual([alert?.client, alert?.severity, alert?.changedByRun], ['', 'critical', null]);
  assert.deepEqual([alert?.limitText, alert?.firstEvidence, alert?.sequence], ['none for 15m', 'run of 08:00', 1]);
  assert.deepEqual([alert?.pendingSinceMs, alert?.firingSinceMs], [at('08:01'), at('08:16')]);
  assert.equal(
    alert?.valueText,
    'no full run of mon-1 has finished since Fri 20 Nov 08:01: nothing is known of 3 clients since then; ' +
      'look at cron on mon-1',
  );
  assert.deepEqual(pass('08:20', [run('08:00')]), []);
  assert.deepEqual(pass('08:26', [run('08:25'), run('08:00')]), ['collector-silent c1 recovered 08:26']);
  assert.equal(
    [...stored.values()][0]?.valueText,
    'a full run of mon-1 finished at Fri 20 Nov 08:26; none for 25 minutes',
  );
});

test('a silent collector is as severe as the missing reports that it stands for, whatever its own rule says', () => {
  const mild = '<alert name="collector-silent" severity="warning"/>';
  for (const [rules, expected] of [
    [mild, 'critical'],
    [`${mild}<alert name="no-report" severity="warning"/>`, 'warning'],
  ] as const) {
    const { pass, stored } = startPasses(config);
    const alerts = `<alerts><mail to="ops@example.org"/>${rules}</alerts>`;
    pass('08:16', [run('08:00')], { config: configOf(`${alerts}${three}`) });
    assert.deepEqual([...stored.values()][0]?.severity, expected);
  }
});

test('a silent site that forwards is to be looked at with its link', () => {
  const forwarded = configOf('<group transport="forward" labels="site=fra"><client name="web-1"/></group>');
  const { pass, stored } = startPasses(forwarded);
  pass('08:16', [run('08:00', { collectorId: siteId('fra') })]);
  assert.match(
    [...stored.values()][0]?.valueText ?? '',
    /look at cron on .*, and at its link .* check --connect there$/,
  );
});

test('where the database’s clock is ahead, a collector that looks silent is shown with that clock', () => {
  const { pass, stored } = startPasses(config);
  pass('10:00', [run('08:00')], { databaseAheadMs: 2 * 3_600_000 });
  assert.match([...stored.values()][0]?.valueText ?? '', /; the database's clock is 2h ahead of this machine's$/);
});

test('what is no finished full run does not count for it', () => {
  const others = [
    run('08:09', { collectorId: '' }),
    run('08:10', { scope: 'filtered' }),
    run('08:11', { outcome: 'overlapped' }),
    run('08:12', { outcome: 'interrupted' }),
    run('08:13', { outcome: 'running', finishedAtMs: null }),
    run('08:14', { program: 'alert' }),
  ];
  assert.deepEqual(startPasses(config).pass('08:20', [run('08:00'), ...others]), ['collector-silent c1 firing']);
  assert.deepEqual(startPasses(config).pass('08:20', [run('07:00', { scope: 'filtered' })]), []);
});

test('a run further ahead than three times every, and than ten minutes, is of a wrong clock', () => {
  const often = configOf(`<collector every="1m"/><alerts zone="UTC"/>${three}`);
  for (const [fleet, ahead, isWrong] of [
    [config, '08:15', false],
    [config, '08:16', true],
    [often, '08:10', false],
    [often, '08:11', true],
  ] as const) {
    const { pass, stored } = startPasses(fleet);
    const notified = pass('08:00', [run(ahead, { outcome: 'running', finishedAtMs: null })]);
    assert.deepEqual(notified, isWrong ? ['collector-silent c1 firing'] : [], ahead);
    const clocks = isWrong
      ? `the newest run of mon-1 is of Fri 20 Nov ${ahead}, which is still to come by the database's clock`
      : '';
    assert.equal([...stored.values()][0]?.valueText ?? '', clocks);
  }
});

test('a silent collector whose clock leapt ahead is told as both, and one of two hides no clients', () => {
  const { pass, stored } = startPasses(config);
  const other = run('07:59', { id: 'x', collectorId: 'c2', host: 'mon-2' });
  pass('08:00', [run('07:00'), run('09:00'), other]);
  assert.equal(
    [...stored.values()][0]?.valueText,
    'no full run of mon-1 has finished since Fri 20 Nov 07:01: look at cron on mon-1; ' +
      "the newest run of mon-1 is of Fri 20 Nov 09:00, which is still to come by the database's clock",
  );
});

test('a collector whose first full run never finishes is silent too', () => {
  const runs = [run('08:00', { outcome: 'running', finishedAtMs: null }), run('08:05', { outcome: 'failed' })];
  assert.deepEqual(startPasses(config).pass('08:14', runs), []);
  assert.deepEqual(startPasses(config).pass('08:15', runs), ['collector-silent c1 firing']);
});

test('silence is evaluated only after the database has answered for twice every', () => {
  const runs = [run('06:00')];
  assert.deepEqual(startPasses(config).pass('08:00', runs, { upSince: null }), []);
  assert.deepEqual(startPasses(config).pass('08:00', runs, { upSince: '07:51' }), []);
  assert.deepEqual(startPasses(config).pass('08:00', runs, { upSince: '07:50' }), ['collector-silent c1 firing']);
});

test('another collector on its host takes its place, one elsewhere does not', () => {
  const { pass } = startPasses(config);
  const old = run('08:00');
  pass('08:20', [old]);
  assert.deepEqual(pass('08:21', [old, run('08:20', { id: 'b', collectorId: 'c2', host: 'mon-2' })]), []);
  const fresh = run('08:22', { id: 'c', collectorId: 'c3' });
  assert.deepEqual(pass('08:23', [old, fresh]), ['collector-silent c1 superseded 08:23']);
  assert.deepEqual(pass('08:24', [old, fresh]), []);
});

test('another machine with the same host name hides no silence, and its runs end none', () => {
  const { pass } = startPasses(config);
  const twin = ['08:00', '08:05', '08:10', '08:15', '08:20'].map((time) => run(time, { id: time, collectorId: 'c2' }));
  assert.deepEqual(pass('08:20', [run('08:00'), ...twin]), ['collector-silent c1 firing']);
  assert.deepEqual(pass('08:25', [run('08:00'), ...twin, run('08:25', { id: 'x', collectorId: 'c2' })]), []);
  // A day later the silent collector has only its last run in the window, and the other one its runs of a day.
  const later = ['08:27', '12:00', '+1 08:20'].map((time) => run(time, { id: time, collectorId: 'c2' }));
  assert.deepEqual(pass('+1 08:25', [run('08:00'), ...later]), []);
  const anew = run('+1 08:21', { id: 'anew', collectorId: 'c3' });
  assert.deepEqual(pass('+1 08:25', [run('08:00'), ...later, anew]), ['collector-silent c1 superseded +1 08:22']);
});

test('each of two collectors is evaluated by itself; one whose runs are no longer stored stays as it is', () => {
  const { pass } = startPasses(config);
  const other = run('08:00', { id: 'x', collectorId: 'c2', host: 'mon-2' });
  assert.deepEqual(pass('08:20', [run('08:18'), other]), ['collector-silent c2 firing']);
  assert.deepEqual(pass('08:25', [run('08:23')]), []);
});

test('the time of silence can be tuned, and the condition removed', () => {
  const runs = [run('08:00')];
  const tuned = configOf(`<alerts><alert name="collector-silent" for="1h"/></alerts>${three}`);
  assert.deepEqual(startPasses(tuned).pass('08:30', runs), []);
  assert.deepEqual(startPasses(tuned).pass('09:01', runs), ['collector-silent c1 firing']);
  const counted = configOf(`<alerts><alert name="collector-silent" for="5x"/></alerts>${three}`);
  assert.deepEqual(startPasses(counted).pass('08:25', runs), []);
  assert.deepEqual(startPasses(counted).pass('08:26', runs), ['collector-silent c1 firing']);
  const none = configOf(`<alerts><alert name="collector-silent" enabled="no"/></alerts>${three}`);
  const { pass } = startPasses(config);
  pass('08:30', runs);
  assert.deepEqual(pass('08:35', runs, { config: none }), ['collector-silent c1 unwatched 08:35']);
});

const webs = ['web-1', 'web-2', 'web-3'];
const twice = ['08:00', '08:05'];
const failing = (names: readonly string[], clients = 3): readonly RunFact[] =>
  twice.map((time) => run(time, { clients, succeeded: clients - names.length, failed: names.length }));

test('two runs that reached nearly nobody are one alert about the collector, until one reaches more', () => {
  const runs = failing(webs);
  const { pass, stored } = startPasses(config, lost(config, twice, 'connect-timeout', webs));
  const everybody = webs.map((name) => seen(name, '07:55'));
  assert.deepEqual(pass('08:02', runs.slice(0, 1), { seen: everybody }), []);
  assert.deepEqual(pass('08:07', runs, { seen: everybody }), ['collector-isolated c1 firing']);
  const alert = [...stored.values()].at(-1);
  assert.equal(alert?.valueText, '0 of 3 clients reached; 3: no connection');
  assert.deepEqual(
    [alert.severity, alert.firstEvidence, alert.changedByRun],
    ['critical', 'run of 08:05', 'run of 08:05'],
  );
  assert.deepEqual([alert.pendingSinceMs, alert.firingSinceMs], [at('08:00'), at('08:06')]);
  assert.deepEqual(pass('08:08', runs, { seen: everybody }), []);
  const better = run('08:10', { succeeded: 2, failed: 1 });
  assert.deepEqual(pass('08:11', [better, ...runs], { seen: everybody }), ['collector-isolated c1 recovered 08:11']);
  assert.equal([...stored.values()].at(-1)?.valueText, '2 of 3 clients reached');
});

test('the most frequent cause is told by its meaning, whatever the names and addresses of the clients are', () => {
  const said: Readonly<Record<string, (name: string) => string>> = {
    dns: (name) => `getaddrinfo ENOTFOUND ${name}.example.org`,
    'connect-timeout': (name) => `no answer from ${name}.example.org port 22 within 5000 ms`,
  };
  const causes = {
    dns: '2: their names cannot be resolved',
    'connect-timeout': '2: no connection within 5 s',
  } as const;
  for (const [code, other] of [['dns', 'connect-timeout'] as const, ['connect-timeout', 'dns'] as const]) {
    const open = [...lost(config, twice, code, webs.slice(1)), ...lost(config, twice, other, webs.slice(0, 1))];
    const { pass, stored } = startPasses(
      config,
      open.map((alert) => {
        const text = said[alert.progress.code ?? '']?.(alert.client) ?? '';
        return { ...alert, valueText: `network: ${text}` };
      }),
    );
    assert.deepEqual(pass('08:07', failing(webs)), ['collector-isolated c1 firing']);
    assert.equal([...stored.values()].at(-1)?.valueText, `0 of 3 clients reached; ${causes[code]}`);
  }
});

test('a run that had no client to visit does not end the alert of an isolated collector', () => {
  const runs = failing(webs);
  const { pass } = startPasses(config, lost(config, twice, 'connect-timeout', webs));
  assert.deepEqual(pass('08:07', runs), ['collector-isolated c1 firing']);
  const empty = run('08:10', { clients: 0, succeeded: 0, failed: 0 });
  assert.deepEqual(pass('08:11', [empty, ...runs]), []);
});

test('a collector is isolated only by clients that both runs have lost, and whose alerts hold', () => {
  const { pass } = startPasses(config, lost(config, ['08:05'], 'connect-timeout', webs));
  assert.deepEqual(pass('08:07', failing(webs)), [], 'lost by the second run alone');
  const byAnother = startPasses(config, lost(config, twice, 'connect-timeout', webs));
  const all = twice.map((time) => run(time));
  assert.deepEqual(byAnother.pass('08:07', all), [], 'another collector has lost them');
  const again = lost(config, twice, 'connect-timeout', webs).map((alert): Alert => {
    return { ...alert, progress: { ...alert.progress, clearing: 1 } };
  });
  assert.deepEqual(startPasses(config, again).pass('08:07', failing(webs)), [], 'they answer again');
});

test('an isolated collector has recovered with a later run alone, or with any if a wrong clock dated it ahead', () => {
  const { pass, stored } = startPasses(config, lost(config, twice, 'connect-timeout', webs));
  pass('08:07', failing(webs));
  assert.deepEqual(pass('08:08', [run('07:55')]), []);
  for (const [id, alert] of stored) {
    if (alert.rule === 'collector-isolated') stored.set(id, { ...alert, pendingSinceMs: at('+9 08:00') });
  }
  assert.deepEqual(pass('08:16', [run('08:10')]), ['collector-isolated c1 recovered 08:11']);
});

test('an isolated collector is a warning where unreachable clients are', () => {
  const config = configOf(`<alerts><alert name="unreachable" severity="warning"/></alerts>${three}`);
  const { pass, stored } = startPasses(config, lost(config, twice, 'connect-timeout', webs));
  assert.deepEqual(pass('08:07', failing(webs)), ['collector-isolated c1 firing']);
  assert.equal([...stored.values()].at(-1)?.severity, 'warning');
});

for (const { what, code, names } of [
  { what: 'clients that are not trusted', code: 'host-key-unknown', names: webs },
  { what: 'refused logins', code: 'auth-failed', names: webs },
  { what: 'handshakes that failed', code: 'handshake-failed', names: webs },
  { what: 'agents that failed', code: 'agent-failed', names: webs },
  { what: 'refused connections', code: 'connect-refused', names: webs },
  { what: 'half of the clients', code: 'connect-timeout', names: ['web-1', 'web-2'] },
] as const) {
  test(`${what} do not make a collector isolated`, () => {
    const { pass } = startPasses(config, lost(config, twice, code, names));
    assert.deepEqual(pass('08:07', failing(names)), []);
  });
}

test('two clients are too few to make a collector isolated', () => {
  const names = ['web-1', 'web-2'];
  const config = configOf(names.map((name) => client(name)).join(''));
  const { pass } = startPasses(config, lost(config, twice, 'dns', names));
  assert.deepEqual(pass('08:07', failing(names, 2)), []);
});

/** The clients that were lost of the ten that a run visited: nine tenths of them are nearly all. */
for (const [count, isIsolated] of [
  [8, false],
  [9, true],
  [10, true],
] as const) {
  test(`a collector that loses ${count} of 10 clients is ${isIsolated ? '' : 'not '}isolated`, () => {
    const names = Array.from({ length: 10 }, (_, index) => `web-${index + 1}`);
    const ten = configOf(names.map((name) => client(name)).join(''));
    const gone = names.slice(0, count);
    const { pass } = startPasses(ten, lost(ten, twice, 'connect-timeout', gone));
    assert.deepEqual(pass('08:07', failing(gone, 10)), isIsolated ? ['collector-isolated c1 firing'] : []);
  });
}

test('an isolated collector gets worse with its clients, and stays so while its next run goes on', () => {
  const mild = configOf(`<alerts><alert name="unreachable" severity="warning"/></alerts>${three}`);
  const runs = failing(webs);
  const { pass, stored } = startPasses(mild, lost(mild, twice, 'connect-timeout', webs));
  pass('08:07', runs);
  for (const [id, alert] of stored)
    if (alert.rule === 'unreachable') stored.set(id, { ...alert, severity: 'critical' });
  assert.deepEqual(pass('08:08', runs), ['collector-isolated c1 firing']);
  const [alert] = [...stored.values()].filter(({ rule }) => rule === 'collector-isolated');
  assert.deepEqual([alert?.severity, alert?.sequence, alert?.changedByRun], ['critical', 2, 'run of 08:05']);
  // The rows of the next run have replaced those of the runs before, one by one.
  for (const [id, one] of stored) if (one.rule === 'unreachable') stored.delete(id);
  const goingOn = run('08:10', { outcome: 'running', finishedAtMs: null });
  assert.deepEqual(pass('08:11', [...runs, goingOn]), []);
  assert.deepEqual(pass('08:12', [...runs, run('08:10')]), ['collector-isolated c1 recovered 08:11']);
});

test('two lost bastions explain nothing: the collector itself is cut off', () => {
  const both =
    configOf(`<bastion name="one" ip="192.0.2.8" username="u"/><bastion name="two" ip="192.0.2.9" username="u"/>
    <group proxyJump="one">${client('a-1')}${client('a-2')}</group>
    <group proxyJump="two">${client('b-3')}${client('b-4')}</group>`);
  const names = ['a-1', 'a-2', 'b-3', 'b-4'];
  const { pass } = startPasses(both, lost(both, twice, 'connect-timeout', names));
  assert.deepEqual(pass('08:07', failing(names, 4)), ['collector-isolated c1 firing']);
});

test('one lost bastion explains what lies behind it; what is lost besides still isolates the collector', () => {
  const behind = ['rack-11', 'rack-12', 'rack-13'];
  const config = configOf(`<bastion name="gate" ip="192.0.2.9" username="u"/>
    <group name="rack" proxyJump="gate">${behind.map((name) => client(name)).join('')}</group>${three}`);
  for (const names of [behind, [...behind, 'web-1'], [...behind, ...webs]]) {
    const { pass } = startPasses(config, lost(config, twice, 'connect-timeout', names));
    const notified = names.includes('web-3') ? ['collector-isolated c1 firing'] : [];
    assert.deepEqual(pass('08:07', failing(names, 6)), notified, names.join());
  }
});

test('three finished runs without a report of a visited client are an alert, and its next report ends it', () => {
  const { pass, stored } = startPasses(config);
  const runs = [run('08:00')];
  const state = (lastReport: string, lastVisit: string): readonly SeenClient[] => [
    seen('web-1', lastReport, { lastVisitAtMs: at(lastVisit) + 1000 }),
    seen('web-2', lastVisit),
    seen('web-3', lastVisit),
  ];
  assert.deepEqual(pass('08:01', runs, { seen: state('08:00', '08:00') }), []);
  runs.push(run('08:05'));
  assert.deepEqual(pass('08:06', runs, { seen: state('08:00', '08:05') }), ['web-1 no-report pending']);
  runs.push(run('08:10'));
  assert.deepEqual(pass('08:11', runs, { seen: state('08:00', '08:10') }), []);
  runs.push(run('08:15'));
  assert.deepEqual(pass('08:16', runs, { seen: state('08:00', '08:15') }), ['web-1 no-report firing']);
  assert.equal([...stored.values()][0]?.valueText, 'no report since Fri 20 Nov 08:00');
  runs.push(run('08:20'));
  assert.deepEqual(pass('08:21', runs, { seen: state('08:20', '08:20') }), ['web-1 no-report recovered 08:20']);
  const end = 'a report came at Fri 20 Nov 08:20; none for 15 minutes';
  assert.equal([...stored.values()][0]?.valueText, end);
});

test('the time without a report can be a duration instead of a number of runs', () => {
  const tuned = configOf(`<alerts zone="UTC"><alert name="no-report" for="15m"/></alerts>${client('web-1')}`);
  const { pass, stored } = startPasses(tuned);
  const silent = { seen: [seen('web-1', '07:50', { lastVisitAtMs: at('08:20') })] };
  const times = ['08:00', '08:05', '08:10', '08:15'];
  const runs = times.map((time) => run(time));
  assert.deepEqual(pass('08:11', runs.slice(0, 2), silent), ['web-1 no-report pending']);
  assert.equal([...stored.values()][0]?.limitText, '');
  // Half of `every` less counts as the time.
  const almost = run('08:10', { finishedAtMs: at('08:12') + 29_999 });
  assert.deepEqual(pass('08:13', [...runs.slice(0, 2), almost], silent), []);
  assert.deepEqual(pass('08:16', runs, silent), ['web-1 no-report firing']);
});

test('a client that pushes is missed once it is three times its interval late', () => {
  const pushes = configOf(`<alerts zone="UTC"/><client name="web-1" transport="push" every="10m"/>`);
  const runs = ['08:00', '08:05', '08:10', '08:15', '08:20'].map((time) => run(time));
  const late = (lastReportAtMs: number): readonly string[] =>
    startPasses(pushes).pass('08:30', runs, {
      seen: [seen('web-1', '07:00', { lastReportAtMs, lastVisitAtMs: at('08:21') })],
    });
  assert.deepEqual(late(at('08:00') + 1), []);
  assert.deepEqual(late(at('07:59')), ['web-1 no-report firing']);
});

test('where it is known why nothing comes, no-report is silent', () => {
  const runs = [run('08:00'), run('08:05'), run('08:10')];
  for (const code of ['dns', 'host-key-changed', 'host-key-unknown']) {
    const { pass } = startPasses(config, lost(config, ['08:10'], code, ['web-1']));
    const visited = at('08:10') + 1000;
    const state = [seen('web-1', '07:00', { lastVisitAtMs: visited }), seen('web-2', '08:10'), seen('web-3', '08:10')];
    assert.deepEqual(pass('08:11', runs, { seen: state }), [], code);
  }
});

test('a client that was never seen is notified after three runs since it was missed first', () => {
  const { pass, stored } = startPasses(config);
  const runs = [run('07:50'), run('07:55'), run('08:00')];
  const others = [seen('web-2', '08:15'), seen('web-3', '08:15')];
  assert.deepEqual(pass('08:02', runs, { seen: others }), ['web-1 no-report pending']);
  runs.push(run('08:05'), run('08:10'));
  assert.deepEqual(pass('08:11', runs, { seen: others }), []);
  runs.push(run('08:15'));
  assert.deepEqual(pass('08:16', runs, { seen: others }), ['web-1 no-report firing']);
  assert.equal([...stored.values()][0]?.valueText, 'it has never reported');
});

test('a client that comes back from retirement is not missed for the runs before', () => {
  const runs = [run('08:00'), run('08:05'), run('08:10'), run('08:15')];
  const others = [seen('web-2', '08:20'), seen('web-3', '08:20')];
  const { pass } = startPasses(config);
  assert.deepEqual(pass('08:16', runs, { seen: [seen('web-1', '02:00'), ...others] }), ['web-1 no-report pending']);
  const back = pass('08:21', [...runs, run('08:20')], { seen: [seen('web-1', '08:20'), ...others] });
  assert.deepEqual(back, ['web-1 no-report unconfirmed 08:20']);
});

test('a client is missed by the runs of those who visit it: not by those of a forwarding site, and the reverse', () => {
  const config = configOf(`<alerts zone="UTC"/>${client('web-1')}
    <group transport="forward" labels="site=fra">${client('web-2')}</group>`);
  const times = ['08:05', '08:06', '08:07', '08:08'];
  const late = (name: string): readonly SeenClient[] =>
    ['web-1', 'web-2'].map((one) => seen(one, one === name ? '08:00' : '08:09', { lastVisitAtMs: at('08:09') }));
  const ofSite = times.map((time) => run(time, { id: `fra ${time}`, collectorId: siteId('fra') }));
  assert.deepEqual(startPasses(config).pass('08:09', [run('08:00'), ...ofSite], { seen: late('web-1') }), []);
  const own = times.map((time) => run(time));
  assert.deepEqual(startPasses(config).pass('08:09', own, { seen: late('web-2') }), []);
  const fires = startPasses(config).pass('08:09', [run('08:08'), ...ofSite], { seen: late('web-2') });
  assert.deepEqual(fires, ['web-2 no-report firing']);
});

test('no run, no report missed; nor while the database may have been away; nor of retired clients', () => {
  const config = configOf(`${client('web-1')}${client('web-2', 'state="retired"')}`);
  const state = [seen('web-1', '01:00', { lastVisitAtMs: at('08:20') })];
  const runs = [run('08:00'), run('08:05'), run('08:10')];
  assert.deepEqual(startPasses(config).pass('08:11', [], { seen: state }), []);
  assert.deepEqual(startPasses(config).pass('08:11', runs, { seen: state, upSince: '08:05' }), []);
  assert.deepEqual(startPasses(config).pass('08:11', runs, { seen: state }), ['web-1 no-report firing']);
});

test('alerts of rules and clients that left config.xml, or of a retired client, are no longer watched', () => {
  const rule = '<alerts><mail to="a@example.org"/><alert type="disk" limit="80%"/></alerts>';
  const before = configOf(`${rule}${three}`);
  const open = before.clients.flatMap((one) => {
    const evaluation = startTransition();
    evaluation.evaluate(one, sampledRowsOf(one, '08:00 disk / 90, memory 99'));
    return evaluation.notified().open;
  });
  const { pass, stored } = startPasses(config, open);
  const after = configOf(`<alerts><alert name="inodes" enabled="no"/><alert name="disk" enabled="no"/></alerts>
    ${client('web-1')}${client('web-2', 'state="retired"')}`);
  assert.deepEqual(pass('08:10', [run('08:05')], { config: after }), [
    'web-1 disk / unwatched 08:10',
    'web-2 memory unconfirmed 08:10',
    'web-2 disk / unwatched 08:10',
    'web-3 memory unconfirmed 08:10',
    'web-3 disk / unwatched 08:10',
  ]);
  const states = [...stored.values()].map(({ rule: name, closedOut }) => `${name} ${closedOut}`);
  assert.deepEqual(states, ['memory false', 'disk false', 'memory true', 'disk false', 'memory true', 'disk false']);
});

test('a client that is renamed keeps its alerts until storage has moved them', () => {
  const before = configOf(three);
  const [one] = before.clients;
  assert.ok(one);
  const evaluation = startTransition();
  evaluation.evaluate(one, sampledRowsOf(one, '08:00 disk / 99'));
  const { pass } = startPasses(config, evaluation.notified().open);
  const after = configOf(client('www-1', 'was="web-1"') + client('web-2') + client('web-3'));
  assert.deepEqual(pass('08:10', [run('08:05')], { config: after }), []);
});

test("since when the database has answered is what the alerter's own runs show", () => {
  const runs = (...times: readonly string[]) => times.map((time) => run(time, { program: 'alert' }));
  const since = (...times: readonly string[]): string | null => {
    const found = databaseUpSince(runs(...times), at('08:20'), everyMs);
    return found === null ? null : clock(found);
  };
  assert.equal(since('08:20', '08:15', '08:10', '08:05'), '08:05');
  assert.equal(since('08:05', '08:20', '08:15', '08:10'), '08:05', 'in any order');
  assert.equal(since('08:20', '08:15', '08:02', '07:57'), '08:15', 'a break');
  assert.equal(
    since('08:19', '08:07', '07:55', '07:43'),
    '07:55',
    'started every 12 minutes: the oldest shows no rhythm',
  );
  assert.equal(since('08:20', '07:58', '07:53', '07:48'), '08:20', 'a break of a quicker rhythm');
  assert.equal(since('08:20', '07:40', '07:00', '06:20'), '08:20', 'too seldom for a rhythm');
  assert.equal(since('07:57'), null, 'not of late');
  assert.equal(since(), null);
  assert.equal(databaseUpSince([run('08:19')], at('08:20'), everyMs), null, 'runs of the collector');
});

function waiting(since: string, over: Partial<SealedSummary> = {}): SealedSummary {
  return { keyId: 'a'.repeat(16), code: null, reports: 6, clients: 3, sinceMs: at(since), ...over };
}

test('sealed reports that no ingest takes for three times every are one alert, until what waits is younger', () => {
  const { pass, stored } = startPasses(config);
  const runs = [run('08:14')];
  const other = { keyId: 'b'.repeat(16), reports: 1, clients: 1 };
  assert.deepEqual(pass('08:14', runs, { sealed: [waiting('08:00')] }), []);
  assert.deepEqual(pass('08:15', runs, { sealed: [waiting('08:00'), waiting('08:04', other)], upSince: '08:06' }), []);
  assert.deepEqual(pass('08:16', runs, { sealed: [waiting('08:01'), waiting('08:04', other)] }), [
    'ingest-silent firing',
  ]);
  const [alert] = stored.values();
  assert.deepEqual([alert?.client, alert?.subject, alert?.severity], ['', '', 'critical']);
  assert.equal(alert?.valueText, 'not opened by any ingest: 7 reports of 3 clients, the oldest for 15m');
  assert.deepEqual(pass('08:20', runs, { sealed: [waiting('08:01')] }), []);
  assert.deepEqual(pass('08:21', runs, { sealed: [waiting('08:20')] }), ['ingest-silent recovered 08:21']);
});

test('reports that wait for a key are an alert of that key, beside the one of those that nobody has seen', () => {
  const { pass, stored } = startPasses(config);
  const keyless = waiting('08:00', { code: 'seal-no-key', reports: 1, clients: 1 });
  assert.deepEqual(pass('08:15', [run('08:14')], { sealed: [keyless, waiting('08:14')] }), [
    `ingest-silent ${keyless.keyId} firing`,
  ]);
  assert.equal(
    [...stored.values()][0]?.valueText,
    `sealed to key ${keyless.keyId}, which no ingest has: 1 report of 1 client, the oldest for 15m`,
  );
  assert.deepEqual(pass('08:20', [run('08:19')], { sealed: [waiting('08:19')] }), [
    `ingest-silent ${keyless.keyId} recovered 08:20`,
  ]);
});

test('a missed client is back with a report since its alert began, or of now if its alert is dated ahead', () => {
  const one = configOf(`<alerts zone="UTC"/>${client('web-1')}`);
  const runs = ['08:00', '08:05', '08:10', '08:15'].map((time) => run(time, { clients: 1, succeeded: 0, failed: 1 }));
  for (const [now, reportedAt, expected] of [
    ['10:00', '08:00', []],
    ['10:00', '08:16', ['web-1 no-report recovered 08:16']],
    ['07:00', '06:50', []],
    ['07:00', '06:58', ['web-1 no-report recovered 06:58']],
  ] as const) {
    const { pass } = startPasses(one);
    const silent = seen('web-1', '08:00', { lastVisitAtMs: at('08:15') + 1000 });
    assert.deepEqual(pass('08:17', runs, { seen: [silent] }), ['web-1 no-report firing']);
    const isWatched = run(now, { startedAtMs: at(now), finishedAtMs: at(now) });
    assert.deepEqual(pass(now, [isWatched], { seen: [seen('web-1', reportedAt)] }), expected, `${now} ${reportedAt}`);
  }
});
