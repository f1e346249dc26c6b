import { hostname } from 'node:os';

import type { CollectEvent } from '../../collector/collect-options.ts';
import { ingestRun, type IngestRunResult } from '../../collector/run/ingest-run.ts';
import { escapeControls, type Log } from '../../platform/errors/log.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { counted } from '../../text/numbers.ts';
import { complaintText, faultJson } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { holderJson, overlappedFields, overlappedText } from '../command/lock-holder.ts';
import { loadSettings } from '../command/settings.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { createOutputLog } from '../terminal/output.ts';

/** Runs `ingest`: opens the reports that were stored sealed, in one pass. */
export async function ingestCommand(context: Context): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const { storage } = config;
  const quarantined: unknown[] = [];
  const log = createOutputLog(output);
  const observe = (event: CollectEvent): void => {
    if (event.kind === 'fault') output.complain(complaintText(event.fault));
    if (event.kind === 'quarantined') {
      const { client, code, message } = event;
      quarantined.push({ client, code, message });
      if (!output.json) log.problem('quarantined', { client, code, message });
    }
    if (event.kind === 'note' && !output.json) log.event('note', { message: event.message });
  };
  const result = await ingestRun({
    config,
    openStorage: () => openStorage({ storage, migrate: storage.migrate, program: 'collect' }),
    signal,
    observe,
    now: Date.now,
    host: hostname(),
  });
  if (output.json) output.printJson(resultJson(result, quarantined));
  else if (output.terminal && output.verbosity !== 'quiet') output.print(resultText(result));
  else logResult(log, result);
  return result.exitStatus;
}

function resultText(result: IngestRunResult): string {
  if (result.outcome === 'overlapped') return overlappedText('ingest', result.holder, result.startedAtMs);
  const { stored, duplicate, quarantined, keyless, clients } = result;
  const sentences = [`Opened and stored ${counted(stored, 'report')} of ${counted(clients, 'client')}.`];
  if (duplicate > 0) sentences.push(`${duplicate} were stored already.`);
  if (quarantined > 0) sentences.push(`${quarantined} went to quarantine.`);
  if (keyless > 0) sentences.push(`${keyless} wait for a key that is not here.`);
  return escapeControls(sentences.join(' '));
}

function logResult(log: Log, result: IngestRunResult): void {
  const { runId: run, outcome } = result;
  if (outcome === 'overlapped') {
    log.event('overlapped', overlappedFields(run, result.holder));
    return;
  }
  const { stored, duplicate, quarantined, keyless, clients } = result;
  const duration_ms = Math.max(0, result.finishedAtMs - result.startedAtMs);
  log.event('summary', { run, outcome, clients, stored, duplicate, quarantined, keyless, duration_ms });
}

function resultJson(result: IngestRunResult, quarantined: readonly unknown[]): unknown {
  const { runId, outcome, exitStatus, startedAtMs, finishedAtMs, clients, stored, duplicate, keyless } = result;
  return {
    command: 'ingest',
    ...jsonFields({
      runId,
      outcome,
      exitStatus,
      holder: holderJson(result.holder),
      startedAtMs,
      finishedAtMs,
      clients,
    }),
    reports: { stored, duplicate, quarantined: result.quarantined, keyless },
    quarantined,
    faults: result.faults.map(faultJson),
  };
}
