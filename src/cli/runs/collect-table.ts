import { adviceFor } from './advice.ts';
import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import { escapeControls, formatFields, harmlessJson } from '../../log.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { CollectView } from './collect-view.ts';
import { complaintText } from '../command/complain.ts';
import { describeDuration } from '../../text/durations.ts';
import type { Output } from '../terminal/output.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { startProgress, type Progress } from '../terminal/progress.ts';
import { renderTable } from '../terminal/table.ts';

/** Beyond so many clients the closing table holds those alone that failed. */
const wholeFleetRows = 40;

/** For a terminal: a progress bar while it lasts, then a table, what went wrong first. */
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
        output.print(`Another collect is running already (${holderText(result)}).`);
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

function holderText({ holder, startedAtMs }: CollectResult): string {
  if (holder === null) return 'which one cannot be read';
  return `process ${holder.pid}, since ${describeDuration(startedAtMs - holder.startedAtMs)}`;
}

function visitTable(output: Output, visits: readonly VisitRecord[]): string {
  const rows = [...visits]
    .sort((a, b) => Number(a.ok) - Number(b.ok) || a.client.localeCompare(b.client, 'en', { numeric: true }))
    .map((visit) => ({
      cells: [
        visit.client,
        visit.ok ? { text: 'ok', colour: 'green' as const } : { text: visit.code ?? 'failed', colour: 'red' as const },
        `${visit.durationMs} ms`,
        visit.uploaded ? 'agent brought' : '',
      ],
      notes: visit.message === null ? [] : [visit.message],
    }));
  return renderTable(
    output,
    [
      { title: 'client', shrinks: true, keepsEnd: true },
      { title: 'result' },
      { title: 'took', align: 'right' },
      { title: '' },
    ],
    rows,
  );
}

/** What to do about each kind of failure, once: where its visits have one advice of their own, that, else its code's. */
function adviceLines(visits: readonly VisitRecord[]): readonly string[] {
  const byCode = new Map<string, VisitRecord[]>();
  for (const visit of visits) {
    if (visit.ok || visit.code === null) continue;
    const same = byCode.get(visit.code);
    if (same === undefined) byCode.set(visit.code, [visit]);
    else same.push(visit);
  }
  return [...byCode].map(([code, failed]) => {
    const [own, ...others] = new Set(failed.map(({ advice }) => advice));
    const clients = failed.map(({ client }) => client);
    const advice = others.length === 0 && own !== undefined ? own : adviceFor(code, clients);
    return escapeControls(`${code}: ${advice ?? 'unknown to this version'}`);
  });
}

type Skipped = Extract<CollectEvent, { readonly kind: 'skipped' }>;

const mostSkipped = 10;

/** Clients that were left alone, why and until when. */
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
    `${stored} ${stored === 1 ? 'report' : 'reports'} stored`,
    duplicate > 0 ? `${duplicate} stored already` : '',
    quarantined > 0 ? output.colour('red', `${quarantined} quarantined`) : '',
    waiting > 0 ? output.colour('yellow', `${waiting} waiting`) : '',
    result.skipped > 0 ? output.colour('yellow', `${result.skipped} not visited`) : '',
    result.outcome === 'interrupted' ? output.colour('red', 'interrupted') : '',
  ].filter((part) => part !== '');
  return `${parts.join(', ')} in ${describeDuration(result.finishedAtMs - result.startedAtMs)}`;
}
