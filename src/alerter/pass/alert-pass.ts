/** src/alerter/pass: one pass. */
import { FleetError } from '../../platform/errors/errors.ts';
import type { MailSummary } from '../../storage/store/outbox-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { emptyResult, runEndOf, type AlertOptions, type AlertResult } from '../alert-options.ts';
import { ruleLists } from '../../config/rules/rule-matcher.ts';
import type { Delivered } from '../deliver/delivery.ts';
import { openSentMails } from '../deliver/sent-mails.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { knownRules } from './known-rules.ts';
import { processAbsence, processEvents } from './process-absence.ts';
import type { Processed } from './process-backlog.ts';
import { holderName, LeaseTaken, openPassLease } from './pass-lease.ts';
import { createDryRunStorage } from './dry-run-storage.ts';
import { recentRuns } from './recent-runs.ts';
import { foresee } from './foresee.ts';
import type { PassContext } from './pass-context.ts';
import { enqueueMails } from './enqueue-mails.ts';
import { openStages } from './stages.ts';
import { readCanary } from '../../storage/store/reply-store.ts';
import type { RunStart } from '../../storage/store/run.ts';

export interface PassOptions extends AlertOptions {
  readonly start: RunStart;
  readonly storage: Storage;
}

/** Makes the pass while the lock of this machine is held. */
export async function makeAlertPass(options: PassOptions): Promise<AlertResult> {
  const { dryRun } = options;
  const storage = dryRun ? createDryRunStorage(options.storage) : options.storage;
  const lease = openPassLease(storage.leases, holderName(options.start.id, process.pid, options.host));
  // A dry run processes all rows, and reads them once.
  if (dryRun) await lease.take();
  const nowMs = await storage.nowMs();
  const databaseAheadMs = nowMs - options.now();
  // Readers of the database compare the times of runs with its clock.
  const start = { ...options.start, startedAtMs: nowMs };
  const runs = await recentRuns({ storage, config: options.config, nowMs });
  try {
    const sent = openSentMails({
      file: statePaths(options.config.stateDir).sent,
      now: options.now,
      onFault: (fault) => options.observe({ kind: 'fault', fault }),
    });
    const stages = openStages(options);
    const pass = { ...options, storage, lease, nowMs, databaseAheadMs, runs, sent, stages };
    const result = await processNotifyAndSend(pass);
    const hasFailed = stages.hasFailed();
    if (!dryRun && (hasFailed || isWorthARow(result, pass))) {
      const end = runEndOf({ ...result, finishedAtMs: await storage.nowMs() });
      await storage.reports.endRun(start, hasFailed ? { ...end, outcome: 'failed' } : end);
    }
    if (!dryRun && result.exitStatus === 0) {
      await stages.run({ what: 'heartbeats', otherwise: undefined, isVital: false }, () =>
        askHeartbeats(options, storage),
      );
    }
    return result;
  } catch (thrown) {
    if (!(thrown instanceof LeaseTaken) && !(thrown instanceof FleetError && thrown.code === 'locked')) {
      if (!dryRun) await leaveFailed(storage, start, nowMs, thrown);
      throw thrown;
    }
    const holder = thrown instanceof LeaseTaken ? thrown.holder : null;
    const result = { ...emptyResult(start, 'overlapped', options.now()), holder };
    await storage.reports.endRun(start, runEndOf({ ...result, finishedAtMs: nowMs }));
    return result;
  } finally {
    await lease.release().catch(() => undefined);
  }
}

/** Records that the alerter was started and failed. Does not retry a database that failed just now. */
async function leaveFailed({ reports }: Storage, start: RunStart, nowMs: number, thrown: unknown): Promise<void> {
  if (thrown instanceof FleetError && thrown.stage === 'storage' && thrown.retryable) return;
  const end = { ...runEndOf(emptyResult(start, 'finished', nowMs)), outcome: 'failed' } as const;
  await reports.endRun(start, end).catch(() => undefined);
}

/** Runs the stages of a pass in their order. docs/internals.md has what each may cost. */
async function processNotifyAndSend(pass: PassContext & PassOptions): Promise<AlertResult> {
  const { signal, start, dryRun, stages, now } = pass;
  const vital = (what: string) => ({ what, otherwise: undefined, isVital: true });
  const other = (what: string) => ({ what, otherwise: 0, isVital: false });
  const nothing: Processed = { reports: 0, visits: 0, more: false };
  const processed = await stages.run({ ...vital('evaluating rows'), otherwise: nothing }, () => processRows(pass));
  let composed = 0;
  if (!signal.aborted) {
    await stages.run(vital('evaluating silence'), () => processAbsence(pass));
    await stages.run(vital('evaluating events'), () => processReceived(pass));
    await stages.run(vital('evaluating forecasts'), () => foresee(pass, pass.storage.figures));
    composed = await stages.run({ ...vital('planning mails'), otherwise: 0 }, () => planAndCompose(pass, processed));
  }
  const send = (before: Sent): Promise<Sent> =>
    stages.run({ ...vital('delivering mails'), otherwise: before }, async () => added(before, await sendDue(pass)));
  const urgent = dryRun ? nothingSent : await send(nothingSent);
  if (!dryRun) await stages.run(other('posting to Alertmanager'), () => postToAlertmanager(pass));
  // Digests come last: one may take seconds to make.
  const digests = await stages.run(other('making digests'), () => makeDigests(pass));
  const ordinary = digests === 0 || dryRun ? urgent : await send(urgent);
  // Both read the mailbox of <replies>.
  const reader = { ...pass, observe: withoutRepeatedFaults(pass.observe) };
  if (!dryRun) {
    await stages.run(other('reading replies'), () => heedReplies(reader));
    await stages.run(other('reading receipts'), () => heedReceipts(reader));
  }
  const canaries = await stages.run(other('looking for canaries'), () => sendCanary(reader));
  const sent = canaries === 0 ? ordinary : await send(ordinary);
  const interrupted = signal.aborted;
  return {
    ...emptyResult(start, interrupted ? 'interrupted' : 'finished', now()),
    ...processed,
    more: dryRun && processed.more,
    heldBack: dryRun ? await (await import('../inhibit/held-back.ts')).readHeldBack(pass) : [],
    sent: sent.sent,
    putOff: sent.putOff,
    refused: sent.refused,
    composed: composed + digests + canaries,
    exitStatus: interrupted || stages.hasFailed() || sent.isIncomplete || sent.refused > 0 ? 1 : 0,
  };
}

async function processRows(pass: PassContext): Promise<Processed> {
  if (!pass.lease.isHeld()) {
    const { reports, visits } = await pass.storage.evaluation.unprocessed(1);
    if (reports.length + visits.length === 0) return { reports: 0, visits: 0, more: false };
  }
  // Loaded when there is a row to process: most passes have none.
  const { processBacklog } = await import('./process-backlog.ts');
  return await processBacklog(pass);
}

async function processReceived(pass: PassContext & PassOptions): Promise<void> {
  if (!ruleLists(pass.config).some((rules) => rules.some(({ type }) => type === 'event'))) return;
  await processEvents(pass, pass.storage.events);
}

/** Plans, composes and stores the mails that are due. Returns their number. */
async function planAndCompose(pass: PassContext & PassOptions, { reports, visits }: Processed): Promise<number> {
  const { storage, runs } = pass;
  const isNews = reports + visits > 0;
  const firstPass = !runs.some(({ program, outcome }) => program === 'alert' && outcome === 'finished');
  const rules = await knownRules(pass);
  const nowMs = isNews ? await storage.nowMs() : pass.nowMs;
  const composed = await enqueueMails({ ...pass, firstPass, newRules: rules.fresh, nowMs });
  if (isNews) await rules.remember();
  return composed;
}

/** Makes the digests that are due. Returns the number of their mails. */
async function makeDigests(pass: PassContext & PassOptions): Promise<number> {
  if (pass.config.digests.length === 0 || pass.signal.aborted) return 0;
  return await (await import('./enqueue-digests.ts')).enqueueDigests(pass);
}

interface Sent extends Delivered {
  /** True if a mail that was tried waits, or a recipient lacks a refused mail about an open alert. */
  readonly isIncomplete: boolean;
}

const nothingSent: Sent = { sent: 0, putOff: 0, refused: 0, isIncomplete: false };

function added(first: Sent, then: Sent): Sent {
  return {
    sent: first.sent + then.sent,
    putOff: first.putOff + then.putOff,
    refused: first.refused + then.refused,
    isIncomplete: then.isIncomplete,
  };
}

async function sendDue(pass: PassContext & PassOptions): Promise<Sent> {
  const { config, storage, lease, sent, signal, observe, now, stages } = pass;
  const due = signal.aborted ? [] : await storage.outbox.dueMails(1);
  let delivered: Delivered = nothingSent;
  if (due.length > 0) {
    // Loaded when there is something to send: most passes have nothing.
    const [{ deliver }, { openChannels }, { namedRecipients }] = await Promise.all([
      import('../deliver/deliver.ts'),
      import('../../notify/channels.ts'),
      import('../../config/recipients/fleet-recipients.ts'),
    ]);
    const named = namedRecipients(config);
    const isNamed = (recipient: string): boolean => named.has(recipient);
    const channels = openChannels(config);
    const { fallback: to = null, from = '' } = config.smtp ?? {};
    const fallback = to === null ? null : { to, from };
    try {
      const takeLease = lease.take;
      const heed = (what: string, thrown: unknown): void => stages.heed(what, thrown);
      delivered = await deliver({ storage, takeLease, channels, sent, isNamed, fallback, signal, observe, now, heed });
    } finally {
      channels.close();
    }
  }
  const undelivered = await storage.mails.undelivered();
  const missing = await missingMails(storage, undelivered);
  const [oldest] = missing;
  if (oldest !== undefined) {
    observe({
      kind: 'undelivered',
      mails: missing.length,
      recipients: [...new Set(missing.map(({ recipient }) => recipient))],
      sinceMs: oldest.createdAtMs,
      error: missing.at(-1)?.error ?? null,
    });
  }
  return { ...delivered, isIncomplete: missing.length > 0 };
}

/**
 * Returns the mails that were tried and wait, and the permanently refused ones whose recipient lacks a notification of
 * an open alert.
 */
export async function missingMails(
  storage: Pick<Storage, 'evaluation' | 'mails'>,
  undelivered: readonly MailSummary[],
): Promise<readonly MailSummary[]> {
  // A tried mail without an error belongs to another alerter, which is sending it now.
  const tried = undelivered.filter(({ error }) => error !== null);
  if (tried.every(({ failedAtMs }) => failedAtMs === null)) return tried;
  const open = (await storage.evaluation.openAlerts(null)).flatMap(({ id }) => id ?? []);
  const lacking = new Set(
    (await storage.mails.unsentOf(open)).flatMap(({ delivery, recipient }) =>
      delivery === 'not-delivered' ? recipient : [],
    ),
  );
  return tried.filter(({ failedAtMs, recipient }) => failedAtMs === null || lacking.has(recipient));
}

/** Posts the state to the Alertmanagers. Reports one that does not accept the state; the next pass posts again. */
async function postToAlertmanager({
  config,
  storage,
  runs,
  signal,
  observe,
}: PassContext & PassOptions): Promise<number> {
  if (config.alertmanager === null || signal.aborted) return 0;
  const { postState } = await import('./post-state.ts');
  const faults = await postState({ config, storage, runs, nowMs: await storage.nowMs(), signal });
  for (const fault of faults) observe({ kind: 'fault', fault });
  return faults.length;
}

/** Reads and applies replies to mails, after all mails were sent. */
async function heedReplies(pass: PassContext & PassOptions): Promise<number> {
  if (pass.config.replies === null || pass.signal.aborted) return 0;
  await (await import('./answer-replies.ts')).answerReplies(pass);
  return 0;
}

/** Reads and applies receipts of messages. */
async function heedReceipts(pass: PassContext & PassOptions): Promise<number> {
  const givesReceipts = pass.config.webhooks.some(({ format }) => format === 'pushover');
  if (givesReceipts && !pass.signal.aborted) await (await import('./answer-receipts.ts')).answerReceipts(pass);
  return 0;
}

/** Looks for canaries, and stores the next one if it is due. Returns the number of mails to be sent. */
async function sendCanary(pass: PassContext & PassOptions): Promise<number> {
  if (pass.config.canary === null || pass.dryRun || pass.signal.aborted) return 0;
  return await (await import('./send-canary.ts')).sendCanary(pass);
}

function withoutRepeatedFaults(observe: PassContext['observe']): PassContext['observe'] {
  const reported = new Set<string>();
  return (event) => {
    if (event.kind === 'fault' && reported.has(event.fault.message)) return;
    if (event.kind === 'fault') reported.add(event.fault.message);
    observe(event);
  };
}

const heartbeatTimeoutMs = 10_000;

/**
 * Calls the heartbeats after a pass without faults, unless canaries do not come back. Reports a heartbeat that is not
 * answered, and changes nothing.
 */
async function askHeartbeats({ config, signal, observe }: PassOptions, storage: Storage): Promise<void> {
  if (config.heartbeats.length === 0) return;
  if ((await readCanary(config, storage.evaluation))?.found?.kind === 'lost') return;
  const { sendHeartbeats } = await import('../../notify/heartbeat.ts');
  const faults = await sendHeartbeats(config.heartbeats, { timeoutMs: heartbeatTimeoutMs, signal });
  for (const fault of faults) observe({ kind: 'fault', fault });
}

/** True if the pass gets a row of `runs`. An idle pass gets one often enough to show that the alerter lives. */
function isWorthARow(
  { reports, visits, composed, sent, putOff, refused, outcome }: AlertResult,
  { config, runs, nowMs }: PassContext,
): boolean {
  if (reports + visits + composed + sent + putOff + refused > 0 || outcome !== 'finished') return true;
  const sinceMs = nowMs - config.collector.everyMs / 2;
  return !runs.some((run) => run.program === 'alert' && run.startedAtMs > sinceMs && run.startedAtMs <= nowMs);
}
