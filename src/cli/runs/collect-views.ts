import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import { errorTable } from '../../errors.ts';
import { escapeControls, formatFields, harmlessJson, type LogFields } from '../../log.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { describeDuration } from '../../text/durations.ts';
import { byName } from '../../text/name-order.ts';
import { counted } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { complaintText, faultJson } from '../command/complain.ts';
import { holderJson, overlappedFields, overlappedText } from '../command/lock-holder.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import type { Progress, startProgress } from '../terminal/progress.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import { notVisitedLines, type Skipped, skippedLog } from './not-visited.ts';
import type { RunView } from './run-view.ts';

export type CollectView = RunView<CollectEvent, CollectResult>;

/** Returns the view for the output: one JSON document, a progress bar and a table, or lines for a log. */
export async function createCollectView(
  output: Output,
  format: 'table' | 'log' | null,
  time: ReaderTime,
): Promise<CollectView> {
  if (output.json) return jsonView(output);
  const usual = output.attended && output.verbosity === 'normal' ? 'table' : 'log';
  if ((format ?? usual) === 'log' || output.verbosity === 'quiet') return lineView(output);
  return tableView(output, time, (await import('../terminal/progress.ts')).startProgress);
}

/** Prints one JSON document at the end. docs/json.md describes the fields. */
function jsonView(output: Output): CollectView {
  const visits: object[] = [];
  const reports: object[] = [];
  const skipped: object[] = [];
  const quarantined: object[] = [];
  return {
    on: {
      visited: ({ visit }) => void visits.push(visitJson(visit)),
      skipped: ({ client, code, nextAttemptAtMs, reason }) =>
        void skipped.push(jsonFields({ client, code, nextAttemptAtMs, reason })),
      report: ({ report }) => void reports.push(report),
      quarantined: ({ client, code, message }) => void quarantined.push({ client, code, message }),
    },
    end: ({ runId, outcome, exitStatus, startedAtMs, finishedAtMs, clients, succeeded, failed, ...result }) =>
      output.printJson({
        command: 'collect',
        ...jsonFields({ runId, outcome, exitStatus, holder: holderJson(result.holder), startedAtMs, finishedAtMs }),
        ...jsonFields({ clients, succeeded, failed, skipped: result.skipped, reports: result.reports }),
        skipped_clients: skipped,
        visits,
        quarantined,
        faults: result.faults.map(faultJson),
        ...(reports.length > 0 ? { opened: reports } : {}),
      }),
  };
}

function visitJson(visit: VisitRecord): object {
  const { client, address, ok, stage, code, message, startedAtMs, durationMs, connectMs, uploaded, reader } = visit;
  const advice = visit.advice ?? adviceFor(code, [client]);
  const { bytesIn, bytesOut } = visit;
  return {
    ...jsonFields({ client, address, ok, stage, code, message, advice, startedAtMs, durationMs, connectMs }),
    ...jsonFields({ bytesIn, bytesOut, uploaded, reader }),
  };
}

const namesShown = 5;

/**
 * Returns the advice for a stored error code, with these clients in place of the word CLIENT. Returns null for a code
 * that this version does not know.
 */
export function adviceFor(code: string | null, clients: readonly string[]): string | null {
  if (code === null || !Object.hasOwn(errorTable, code)) return null;
  const { advice } = errorTable[code as keyof typeof errorTable];
  const names = clients.map(shownShellWord);
  return names.length > namesShown ? advice.replace(' CLIENT', '') : advice.replace('CLIENT', names.join(' '));
}

/** Logs a `key=value` line for each event and a summary. If quiet, prints only faults of the run. */
function lineView(output: Output): CollectView {
  const log = createOutputLog(output);
  const skips = skippedLog(log, output.verbosity);
  return {
    on: {
      started: ({ runId, clients, skipped }) => log.event('started', { run: runId, clients, skipped }),
      skipped: skips.log,
      visiting: ({ client }) => log.detail('visiting', { client }),
      visited: ({ visit }) =>
        visit.ok ? log.event('visited', visitFields(visit)) : log.problem('failed', visitFields(visit)),
      postponed: ({ visit }) => log.event('postponed', visitFields(visit)),
      report: ({ client, report }) => log.event('report', { client, report: JSON.stringify(report) }),
      quarantined: ({ client, code, message }) => log.problem('quarantined', { client, code, message }),
      note: ({ message }) => log.event('note', { message }),
      // A fault is a line in the format of every other complaint, at every log level.
      fault: ({ fault }) => output.complain(complaintText(fault)),
    },
    end: ({ runId: run, outcome, holder, reports, startedAtMs, finishedAtMs, ...result }) => {
      if (outcome === 'overlapped') {
        log.event('overlapped', overlappedFields(run, holder));
        return;
      }
      skips.end();
      const { clients, succeeded, failed, skipped } = result;
      const counts = { clients, succeeded, failed, skipped, ...reports };
      log.event('summary', { run, outcome, ...counts, duration_ms: finishedAtMs - startedAtMs });
    },
  };
}

function visitFields({ client, code, stage, message, advice, durationMs, uploaded }: VisitRecord): LogFields {
  return {
    client,
    code: code ?? undefined,
    stage: stage ?? undefined,
    message: message ?? undefined,
    advice: advice ?? adviceFor(code, [client]) ?? undefined,
    duration_ms: durationMs,
    uploaded: uploaded || undefined,
  };
}

/** The largest number of clients that the final table lists whole; a larger fleet's table has only the failed ones. */
const wholeFleetRows = 40;

/** Shows a progress bar during the run, then a table with failed visits first. */
function tableView(output: Output, time: ReaderTime, start: typeof startProgress): CollectView {
  let progress: Progress | null = null;
  const visits: VisitRecord[] = [];
  const later: string[] = [];
  const skipped: Skipped[] = [];
  return {
    on: {
      started: ({ clients }) => void (progress = start('visiting', clients)),
      visited: ({ visit }) => {
        progress?.step();
        visits.push(visit);
      },
      skipped: (event) => void skipped.push(event),
      report: ({ report }) => void later.push(harmlessJson(report)),
      quarantined: (event) =>
        void later.push(output.colour('red', `quarantined ${formatFields({ ...event, kind: undefined })}`)),
      note: ({ message }) => void later.push(escapeControls(message)),
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
      for (const line of [...adviceLines(visits), ...notVisitedLines(skipped, time)]) output.print(line);
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
