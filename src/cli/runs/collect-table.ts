/** src/cli/runs: `collect`, and what both runs share. */
import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import { isOwnFault } from '../../platform/errors/errors.ts';
import { escapeControls, formatFields, harmlessJson } from '../../platform/errors/log.ts';
import { groupBy } from '../../platform/group-by.ts';
import { restoredRows } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { adviceFor } from '../../text/advice.ts';
import { describeDuration } from '../../text/durations.ts';
import { byName } from '../../text/name-order.ts';
import { counted } from '../../text/numbers.ts';
import { complaintText } from '../command/complain.ts';
import { overlappedText } from '../command/lock-holder.ts';
import type { Output } from '../terminal/output.ts';
import { noProgress, progressOf } from '../terminal/progress.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import { notVisitedLines, type Skipped } from './not-visited.ts';
import type { RunView } from './run-view.ts';

/** The largest number of clients that the final table lists whole; a larger fleet's table has only the failed ones. */
const wholeFleetRows = 40;

/** Shows a progress bar during the run, then a table with failed visits first. */
export async function tableView(output: Output, time: ReaderTime): Promise<RunView<CollectEvent, CollectResult>> {
  const startProgress = await progressOf(output);
  let progress = noProgress;
  const visits: VisitRecord[] = [];
  const later: string[] = [];
  const skipped: Skipped[] = [];
  return {
    on: {
      started: ({ clients }) => void (progress = startProgress('visiting', clients)),
      visited: ({ visit }) => {
        progress.step();
        visits.push(visit);
      },
      skipped: (event) => void skipped.push(event),
      report: ({ report }) => void later.push(harmlessJson(report)),
      quarantined: (event) =>
        void later.push(output.colour('red', `quarantined ${formatFields({ ...event, kind: undefined })}`)),
      note: ({ message }) => void later.push(escapeControls(message)),
    },
    end: (result) => {
      progress.end();
      for (const line of later) output.print(line);
      if (result.outcome === 'overlapped') {
        output.print(overlappedText('collect', result.holder, result.startedAtMs));
        return;
      }
      // A fault of the run has the number of the visits that this machine has failed, and their reason.
      const told = visits.filter(({ code }) => !isOwnFault(code));
      const shown = visits.length <= wholeFleetRows ? told : told.filter((visit) => !visit.ok);
      if (shown.length > 0) output.print(visitTable(output, shown));
      for (const line of [...adviceLines(told), ...notVisitedLines(skipped, time)]) output.print(line);
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
    [...visits].sort((a, b) => Number(a.ok) - Number(b.ok) || byName(a.client, b.client)),
    ({ message }) => (message === null ? [] : [message]),
  );
}

/** Returns one line of advice for each error code: the advice of its visits if they agree, else of the error table. */
function adviceLines(visits: readonly VisitRecord[]): readonly string[] {
  const failures = visits.filter(({ ok, code }) => !ok && code !== null);
  return [...groupBy(failures, ({ code }) => code)].map(([code, failed]) => {
    const [own, ...others] = new Set(failed.map(({ advice }) => advice));
    const clients = failed.map(({ client }) => client);
    const advice = others.length === 0 && own !== undefined ? own : adviceFor(code, clients);
    return escapeControls(`${code ?? ''}: ${advice ?? 'unknown to this version'}`);
  });
}

function summaryText(output: Output, result: CollectResult): string {
  const { stored, duplicate, quarantined, waiting } = result.reports;
  const restored = restoredRows(result.restored);
  const parts = [
    `${result.succeeded} of ${result.clients} clients answered`,
    `${counted(stored, 'report')} stored`,
    duplicate > 0 ? `${duplicate} stored already` : '',
    quarantined > 0 ? output.colour('red', `${quarantined} quarantined`) : '',
    restored > 0 ? output.colour('yellow', `${counted(restored, 'row')} stored again`) : '',
    waiting > 0 ? output.colour('yellow', `${waiting} waiting`) : '',
    result.skipped > 0 ? output.colour('yellow', `${result.skipped} not visited`) : '',
    result.outcome === 'interrupted' ? output.colour('red', 'interrupted') : '',
  ].filter((part) => part !== '');
  return `${parts.join(', ')} in ${describeDuration(result.finishedAtMs - result.startedAtMs)}`;
}
