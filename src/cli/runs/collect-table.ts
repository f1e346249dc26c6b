import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import { escapeControls, formatFields, harmlessJson } from '../../log.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { describeDuration } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { complaintText } from '../command/complain.ts';
import { overlappedText } from '../command/lock-holder.ts';
import type { Output } from '../terminal/output.ts';
import { type Progress, startProgress } from '../terminal/progress.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import { adviceFor } from './advice.ts';
import type { CollectView } from './run-view.ts';

/** The closing table of more clients than this has the failed ones alone. */
const wholeFleetRows = 40;

/** Shows a progress bar while the run lasts, then a table with failed visits first. */
export function createTableView(output: Output, time: ReaderTime): CollectView {
  let progress: Progress | null = null;
  const visits: VisitRecord[] = [];
  const later: string[] = [];
  const skipped: Skipped[] = [];
  return {
    observe: (event) => {
      switch (event.kind) {
        case 'started':
          progress = startProgress('visiting', event.clients);
          return;
        case 'visited':
          progress?.step();
          visits.push(event.visit);
          return;
        case 'skipped':
          skipped.push(event);
          return;
        case 'report':
          later.push(harmlessJson(event.report));
          return;
        case 'quarantined':
          later.push(output.colour('red', `quarantined ${formatFields({ ...event, kind: undefined })}`));
          return;
        case 'note':
          later.push(escapeControls(event.message));
          return;
        case 'fault':
        case 'visiting':
        case 'postponed':
          return;
      }
    },
    end: (result) => {
      progress?.end();
      for (const line of later) output.print(line);
      if (result.outcome === 'overlapped') {
        output.print(overlappedText('collect', result.holder, result.startedAtMs));
        return;
      }
      const shown = visits.length <= wholeFleetRows ? visits : visits.filter((visit) => !visit.ok);
      if (shown.length > 0) output.print(visitTable(output, shown));
      for (const line of [...adviceLines(visits), ...skippedLines(skipped, time)]) output.print(line);
      output.print(summaryText(output, result));
      for (const fault of result.faults) output.complain(complaintText(fault));
    },
  };
}

function visitTable(output: Output, visits: readonly VisitRecord[]): string {
  return renderTable(
    output,
    [
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ client }) => client },
      {
        title: 'result',
        cell: ({ ok, code }) => (ok ? { text: 'ok', colour: 'green' } : { text: code ?? 'failed', colour: 'red' }),
      },
      { title: 'took', align: 'right', cell: ({ durationMs }) => `${durationMs} ms` },
      { title: '', cell: ({ uploaded }) => (uploaded ? 'agent uploaded' : '') },
    ],
    [...visits].sort(
      (a, b) => Number(a.ok) - Number(b.ok) || a.client.localeCompare(b.client, 'en', { numeric: true }),
    ),
    ({ message }) => (message === null ? [] : [message]),
  );
}

/** Advises once for each code of failure: what its visits agree on, else what the table of errors says. */
function adviceLines(visits: readonly VisitRecord[]): readonly string[] {
  const failures = visits.filter(({ ok, code }) => !ok && code !== null);
  return [...groupBy(failures, ({ code }) => code)].map(([code, failed]) => {
    const [own, ...others] = new Set(failed.map(({ advice }) => advice));
    const clients = failed.map(({ client }) => client);
    const advice = others.length === 0 && own !== undefined ? own : adviceFor(code, clients);
    return escapeControls(`${code ?? ''}: ${advice ?? 'unknown to this version'}`);
  });
}

type Skipped = Extract<CollectEvent, { readonly kind: 'skipped' }>;

const mostSkipped = 10;

/** Names clients that were not visited, why and until when. */
function skippedLines(skipped: readonly Skipped[], { moment }: ReaderTime): readonly string[] {
  const lines = skipped.slice(0, mostSkipped).map(({ client, code, nextAttemptAtMs }) => {
    const next = nextAttemptAtMs === null ? '' : `, next try ${moment(nextAttemptAtMs)}`;
    return `${client} not visited: ${code ?? 'login refused'}${next}; fleet-health collect ${client} tries now`;
  });
  const rest =
    skipped.length > mostSkipped ? [`and ${skipped.length - mostSkipped} more; see fleet-health status`] : [];
  return [...lines, ...rest].map(escapeControls);
}

function summaryText(output: Output, result: CollectResult): string {
  const { stored, duplicate, quarantined, waiting } = result.reports;
  const parts = [
    `${result.succeeded} of ${result.clients} clients answered`,
    `${counted(stored, 'report')} stored`,
    duplicate > 0 ? `${duplicate} stored already` : '',
    quarantined > 0 ? output.colour('red', `${quarantined} quarantined`) : '',
    waiting > 0 ? output.colour('yellow', `${waiting} waiting`) : '',
    result.skipped > 0 ? output.colour('yellow', `${result.skipped} not visited`) : '',
    result.outcome === 'interrupted' ? output.colour('red', 'interrupted') : '',
  ].filter((part) => part !== '');
  return `${parts.join(', ')} in ${describeDuration(result.finishedAtMs - result.startedAtMs)}`;
}
