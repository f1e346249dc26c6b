/** A fleet with hostile text in each place that others write, stored as the collector and the alerter store it. */
import assert from 'node:assert/strict';

import type { Alert, Cause } from '../../../src/storage/store/alert.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { maxRefusedChecks, type CheckResult, type RefusedCheck } from '../../../src/report/checks.ts';
import type { StateSection, WorkerReport } from '../../../src/report/report.ts';
import { parseStateLine, stateDigest } from '../../../src/report/state/state.ts';
import { escapeMarkup } from '../../../src/text/escape-markup.ts';
import { alert, mail, stored } from '../../storage/support/alert-samples.ts';
import {
  check,
  item,
  ordinaryWorkers,
  refusedVisit,
  runEnd,
  runStart,
  visit,
  worker,
} from '../../storage/support/samples.ts';
import { stateItem } from '../../storage/support/state-samples.ts';

const minuteMs = 60_000;

/** Words that config.xml accepts as names, each against one reader. */
export const hostileNames: readonly string[] = [
  `</script><img src=x onerror="alert('1')">`,
  `" onmouseover="alert(1)" x='`,
  `'; DROP TABLE stats; --`,
  '=HYPERLINK("http://192.0.2.9/";"x")',
  '+1+1',
  '@SUM(A1)',
  '=1+1',
  'a"} 1 # {',
  'back\\slash\\',
  '${7+7}{{7+7}}<%=7%>&lt;&#60;',
  '__proto__',
  'שרת <b>1</b> (2)',
  'W'.repeat(128),
];

/** Words that config.xml cannot contain or name a client with, but that a client can send. */
export const hostileWords: readonly string[] = [
  ...hostileNames,
  '\u001b]0;owned\u0007\u001b[2J\u001b[31m',
  '\u009b2J\u0090q\u0085',
  'a"} 1\n# EOF\nInjected line',
  '-1+1',
  '\t=1+1',
  '<!--<svg/onload=alert(1)>*?',
  'x\r\nInjected: line\r\n\r\n',
  '\u2028\u2029\u{e0041}\ufeff',
  '\u202egnp.exe\u2066\u200f\u061c',
];

/** An equal number of harmless words. Some are written from right to left. */
export const plainWords: readonly string[] = hostileWords.map(
  (_, index) => `${index % 5 === 3 ? 'שרת' : 'word'}-${index}`,
);

/** Returns a config.xml with a group and a client for each word that can be a name in it. */
export function fleetConfig(words: readonly string[], elements: string): string {
  const quotedIn = (text: string): string =>
    `"${escapeMarkup(text).replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)}"`;
  const groups = words.slice(0, hostileNames.length).map(
    (name, index) =>
      `<group name=${quotedIn(name)}><client name=${quotedIn(name)} ip="127.0.0.1" port="9">
        <alert type="disk" name=${quotedIn(`${name.slice(0, 60)} disk`)} limit="${20 + index}%" note=${quotedIn(name)}/>
      </client></group>`,
  );
  return `<config>${elements}
  <collector connectTimeout="5s"/>
  <alerts><mail to="ops@example.org"/><alert type="disk" limit="95%" note=${quotedIn(words[0] ?? '')}/></alerts>
  ${groups.join('\n  ')}
</config>
`;
}

/** Returns the words as one text, cut to the length that every column accepts. */
const joined = (words: readonly string[]): string => words.join(' ').slice(0, 250);

function workersOf(words: readonly string[]): readonly WorkerReport[] {
  const all = joined(words);
  const others = ordinaryWorkers().filter(({ name }) => !/^(disk|network|os|process|services)/.test(name));
  const [name = ''] = words;
  const disk = {
    fstype: name,
    source: name,
    scope: 'local',
    mode: 'rw',
    size_bytes: 2 ** 40,
    available_bytes: 2 ** 20,
  };
  return [
    ...others,
    worker('disk', ...words.map((mount, index) => ({ ...disk, mount, used_percent: 40 + index }))),
    worker('network', ...words.map((one) => ({ interface: one, rx_bytes_per_s: 1, tx_bytes_per_s: 2, link_up: 1 }))),
    worker('os', { hostname: all, distribution: all, kernel: all, reboot_required: 1 }),
    worker('process_cpu', ...words.map((process, pid) => ({ process, pid, used_percent_of_one_cpu: 7.5 }))),
    worker('process_memory', ...words.map((process, pid) => ({ process, pid, resident_bytes: 2 ** 20 }))),
    worker('services', { failed_units: words.length }),
    worker('failed_unit', ...words.map((unit) => ({ unit, failed: 1 }))),
    worker('unit_line', ...words.map((unit) => ({ unit, text: unit }))),
    worker('log_line', ...words.map((word, index) => ({ priority: 'err', unit: word, text: word, times: 1 + index }))),
    { ...worker('users'), error: all },
  ];
}

function inventoryOf(words: readonly string[]): readonly WorkerReport[] {
  const all = joined(words);
  return [
    worker('system', { manufacturer: all, model: all, serial: all, memory_bytes: 2 ** 33 }),
    worker('virtual_machine', { virtualisation: all }),
    worker('os_release', { distribution: all, release: all, kernel: all, architecture: all, hostname: all }),
    worker('cpu_model', { model: all, threads: 4 }),
    worker(
      'memory_module',
      ...words.map((one) => ({ slot: one, type: one, part: one, serial: one, size_bytes: 2 ** 33 })),
    ),
    worker('disk_device', ...words.map((one) => ({ device: one, vendor: one, model: one, serial: one, kind: one }))),
    worker('network_card', ...words.map((one) => ({ interface: one, address: one, mac: one, type: one }))),
  ];
}

/** Returns checks in each state whose texts, labels and items are these words, and files that are refused. */
function checksOf(words: readonly string[]): { checks: readonly CheckResult[]; refused: readonly RefusedCheck[] } {
  const plugins = words.map((word, index) =>
    check(`plugin-${index}`, index % 4, `${word} | '${word.replaceAll("'", "''")}'=1;2;3 n=${index}\n${word}`, {
      age_s: index,
    }),
  );
  const items = words.map((word) => `2 "${word.replaceAll(/[\s"]/g, ' ')}" - ${word.replaceAll(/\s/g, ' ')}`);
  const containers = words.map((word) => check(`container:${word}`, 2, `${word}\n${word}`, { age_s: 1 }));
  return {
    checks: [...plugins, ...containers, check('local', 0, items.join('\n'), { format: 'checkmk' })],
    refused: words.slice(0, maxRefusedChecks).map((word) => ({ path: word, why: word })),
  };
}

/** Returns the lines of a state report whose items and values are these words, as far as an agent may send them. */
function statesOf(words: readonly string[], value: string): readonly StateSection[] {
  const plain = words.filter((word) => parseStateLine(`${word}\t${word}`) !== null);
  return (['package', 'file', 'unit'] as const).map((kind) => {
    const lines = plain.map((word) => `${word}\t${word}${value}`).sort();
    return { kind, digest: stateDigest(lines), error: null, lines };
  });
}

function causeOf(word: string, nowMs: number): Cause {
  const named = { kind: 'package', item: word, before: word, after: `${word}2`, more: 2, moreKind: 'file' };
  const seen = { earliestAtMs: nowMs, latestAtMs: nowMs, beforeMs: minuteMs, group: word, chance: 0.01 };
  return {
    atMs: nowMs,
    changes: [{ ...named, ...seen, failing: [1, 1], others: [0, 5] }],
    allOf: `rack=${word}`,
    configBeforeMs: null,
  };
}

/**
 * Stores reports, visits, inventories, alerts and mails of a client for each word, including words that config.xml
 * cannot name.
 */
export async function storeFleet(storage: Storage, words: readonly string[]): Promise<void> {
  const nowMs = Date.now();
  const all = joined(words);
  const start = runStart({ startedAtMs: nowMs - 4 * minuteMs, host: all.slice(0, 60) });
  await storage.reports.startRun(start);
  await storage.reports.saveVisits(
    words.map((client) => visit({ ...refusedVisit, runId: start.id, client, startedAtMs: nowMs, message: all })),
  );
  for (const client of words) {
    const workers = workersOf(words);
    const results = await storage.reports.ingest([
      item({ client, observedAtMs: nowMs - 8 * minuteMs, workers, ...checksOf(words) }),
      item({ client, observedAtMs: nowMs - 3 * minuteMs, workers, bootId: 'boot-2', ...checksOf(words) }),
      stateItem(client, nowMs - 70 * minuteMs, statesOf(words, '')),
      stateItem(client, nowMs - 65 * minuteMs, statesOf(words, '2')),
      item({ client, observedAtMs: nowMs - 3 * minuteMs, workers: inventoryOf(words), name: 'Inventory report' }),
    ]);
    assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(['stored']), JSON.stringify(results));
  }
  await storage.reports.endRun(start, runEnd(start));
  const lease = await storage.leases.takeLease('alert', all.slice(0, 60));
  if (lease === null) throw new Error('somebody else holds the lease');
  const progress = { holding: 1, holdingSinceMs: nowMs, clearing: 0, missing: 0, easing: 0, lastAtMs: nowMs };
  const since = { pendingSinceMs: nowMs - 60 * minuteMs, firingSinceMs: nowMs - 60 * minuteMs, progress };
  const open: readonly Alert[] = words.map((word, index) =>
    alert({
      ...since,
      client: words[index % 3] ?? '',
      rule: index % 2 === 0 ? 'disk' : `${word.slice(0, 60)} disk`,
      subject: word,
      valueText: word,
      limitText: word,
      cause: causeOf(word, nowMs),
      ...(index % 4 === 3 ? { acknowledgedBy: word, acknowledgedComment: word } : {}),
    }),
  );
  await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: open, ruleStates: new Map() });
  const mails = words.map((word, index) =>
    mail({ recipient: word, content: `Subject: ${index}\r\n\r\n`, notifications: [stored({ alertId: index + 1 })] }),
  );
  await storage.notifications.saveNotifications(lease, { mails, notified: [], closedOut: [] });
  await storage.leases.releaseLease(lease);
  for (const { id } of await storage.outbox.dueMails(words.length)) {
    if (await storage.outbox.claimMail(id, 'a test', minuteMs)) await storage.outbox.markFailed(id, 'a test', all);
  }
}
