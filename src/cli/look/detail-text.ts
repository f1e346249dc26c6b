import { checkStateWords } from '../../report/checks/checks.ts';
import { lateAfterMs } from '../../config/clients/late-after.ts';
import type { Client, Config } from '../../config/config.ts';
import type { ShownCheck } from '../../look/data/client-checks.ts';
import type { ClientDetail, NotedAlert } from '../../look/data/client-detail.ts';
import { clientFacts } from '../../look/data/client-facts.ts';
import type { FactTable, WordCell } from '../../look/page/page.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { logPriorities } from '../../report/log-lines.ts';
import { describeAge } from '../../text/durations.ts';
import { opensshOnlyIn, serverName } from '../../transport/openssh/openssh-only.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { renderAlertTable } from '../command/alert-table.ts';
import { inactiveText, lastHeardWords, stateColours, visitNotes } from '../command/member-words.ts';
import type { Colour, Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import { dayLines } from './day-lines.ts';
import { factLines } from './fact-lines.ts';

/** The output, configuration and times that a section needs. */
interface DetailWords {
  readonly output: Output;
  readonly config: Config;
  readonly time: ReaderTime;
  readonly nowMs: number;
}

/** Returns the text about a client, in sections. */
export function detailText(output: Output, config: Config, detail: ClientDetail, nowMs: number): string {
  const time = readerTime(config, nowMs);
  const words: DetailWords = { output, config, time, nowMs };
  const facts = clientFacts(config, detail, time.moment);
  const section = (table: FactTable<WordCell>) => [table.title, factLines(output, table)] as const;
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['Open alerts', alertLines(detail.alerts, words)],
    ...[facts.figures, facts.disks, facts.networks].map(section),
    ['Checks', checkLines(detail, words)],
    ['Logs', [...factLines(output, facts.logCounts), ...logLines(detail, words)]],
    ...[facts.processes, facts.services].map(section),
    ['The last 24 hours', dayLines(detail, output, nowMs)],
    ...[facts.visits, facts.machine, facts.mails].map(section),
  ];
  const blocks = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [output.colour('bold', title), ...lines].join('\n'));
  const name = shownShellWord(detail.member.client);
  const end = `Times are ${time.zone}. fleet-health explain ${name} says why somebody was or was not notified.`;
  return [headLines(detail, words).join('\n'), ...blocks, end].join('\n\n');
}

/** Returns lines about the client's state, and about its consequences for all sections. */
function headLines({ member, listed, newest }: ClientDetail, { output, config, time, nowMs }: DetailWords): string[] {
  const { client, address, state, known, reportAgeMs } = member;
  const shown = listed === null ? output.colour('dim', 'left') : output.colour(stateColours[state], state);
  const groups = listed === null || listed.groups.length === 0 ? '' : ` in ${listed.groups.join(', ')}`;
  const lines = [
    `${output.colour('bold', escapeControls(client))}  ${shown}  ${escapeControls(`${address}${groups}`)}`,
  ];
  if (listed === null) {
    const forget = `fleet-health forget client ${shownShellWord(client)}`;
    lines.push(`It is not in config.xml any more: only its history is stored. ${forget} removes it.`);
  }
  const inactive = listed === null ? null : inactiveText(listed, time);
  if (inactive !== null) lines.push(inactive);
  const lastVisitMs = known?.lastVisitAtMs ?? null;
  const pushes = listed?.arrival.kind === 'comes';
  if (lastVisitMs === null && state !== 'retired') {
    lines.push(
      pushes
        ? 'It has never pushed: fleet-health-agent push --once on that machine does that now.'
        : `It was never visited: fleet-health collect ${shownShellWord(client)} does that now.`,
    );
  }
  if (lastVisitMs !== null) lines.push(lastHeardWords(pushes, lastVisitMs, time));
  for (const note of visitNotes(member, time, nowMs)) {
    lines.push(typeof note === 'string' ? escapeControls(note) : output.colour(note.colour, escapeControls(note.text)));
  }
  if (listed !== null && isByOpenssh(listed, config)) {
    lines.push('It is visited by ssh, as its server shares no algorithm with the built-in client.');
  }
  if (newest === null) lines.push('No report of it is stored.');
  else {
    const age = time.momentAndAge(newest.row.observedAtMs);
    const isOld = (reportAgeMs ?? 0) > lateAfterMs(listed, config.collector.everyMs);
    const old = `Its newest report is of ${age}: all figures are that old.`;
    lines.push(isOld ? output.colour('yellow', old) : `Its newest report is of ${age}.`);
  }
  return lines;
}

/** True if the collector of this state folder visits a client by ssh, because ssh2 has no algorithm of its server. */
function isByOpenssh(client: Client, { stateDir }: Config): boolean {
  if (client.ssh.via !== 'auto') return false;
  return opensshOnlyIn(stateDir).has(serverName(client));
}

function alertLines(alerts: readonly NotedAlert[], { output, time, nowMs }: DetailWords): readonly string[] {
  if (alerts.length === 0) return ['No alert is open.'];
  const notes = new Map(alerts.map((view) => [view.alert.id, notesOf(view)]));
  return [
    renderAlertTable(output, alerts, {
      time,
      nowMs,
      withClients: false,
      notesOf: ({ alert }) => notes.get(alert.id) ?? [],
    }),
  ];
}

function notesOf({ alert, note, acknowledged }: NotedAlert): readonly Cell[] {
  return [
    ...(note === null ? [] : [note]),
    ...(acknowledged || alert.id === null ? [] : [`to acknowledge it: fleet-health ack ${alert.id}`]),
  ];
}

/** Returns the newest lines of the client's logs. A line without a time of its own has the time of its report. */
function logLines({ logs }: ClientDetail, { output, time }: DetailWords): readonly string[] {
  if (logs.length === 0) return [];
  const table = renderTable(
    output,
    [
      { title: 'logged', cell: ({ loggedAtMs, observedAtMs }) => time.moment(loggedAtMs ?? observedAtMs) },
      { title: 'priority', drops: 1, cell: ({ priority }) => logPriorities[priority ?? -1] ?? '-' },
      { title: 'by', shrinks: true, cell: ({ unit }) => unit ?? '-' },
      { title: 'text', shrinks: true, cell: ({ text, times }) => (times > 1 ? `${text} (${times} times)` : text) },
    ],
    logs,
  );
  return [table];
}

const maxRows = 20;
/** The number of lines shown below the first line of a text, for a check that is not OK. */
const maxLines = 3;
const checkColours: readonly Colour[] = ['green', 'yellow', 'red', 'yellow'];

/** Returns the results of people's own checks, the worst first: all that are not OK, and as many others as fit. */
function checkLines({ newest }: ClientDetail, { output, nowMs }: DetailWords): readonly string[] {
  const checks = newest?.checks ?? [];
  if (checks.length === 0) return [];
  const bad = checks.filter(({ state }) => state !== 0).length;
  const shown = checks.slice(0, Math.max(maxRows, bad));
  const hasOld = shown.some(({ age_s: age }) => age > 0);
  const table = renderTable(
    output,
    [
      { title: 'state', cell: ({ state }) => ({ text: checkStateWords[state], colour: checkColours[state] ?? 'dim' }) },
      { title: 'check', shrinks: true, keepsEnd: true, cell: ({ check_name: name }) => name },
      { title: 'for', align: 'right', cell: (check) => sinceText(check, nowMs) },
      ...(hasOld ? [{ title: 'result of', drops: 1, cell: ({ age_s: age }: ShownCheck) => ageText(age) }] : []),
      { title: 'text', shrinks: true, cell: ({ text }) => text.split('\n', 1)[0] ?? '' },
    ],
    shown,
    ({ state, text }) => (state === 0 ? [] : text.split('\n').slice(1, 1 + maxLines)),
  );
  const rest = checks.length - shown.length;
  return [table, ...(rest > 0 ? [`and ${rest} more that are OK; --json has all`] : [])];
}

/** Returns the age of the state: `2h`, or `23h+` if the state began before the rows that are read. */
function sinceText({ sinceMs, sinceIsOlder }: ShownCheck, nowMs: number): string {
  if (sinceMs === null) return '-';
  return `${describeAge(nowMs - sinceMs)}${sinceIsOlder ? '+' : ''}`;
}

function ageText(seconds: number): string {
  return seconds > 0 ? `${describeAge(seconds * 1000)} before` : '';
}
