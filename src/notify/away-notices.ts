/**
 * Notifies people without the database that the database is away, or that config.xml is broken: a line on stderr at
 * first and then hourly, a mail after ten minutes, and one mail at the end to each recipient that got one before.
 * Whoever could not be reached is tried again. The collector and the alerter of one machine share the state, so that
 * nobody is notified twice.
 */
import { existsSync, rmSync } from 'node:fs';

import type { FleetError } from '../platform/errors/errors.ts';
import { hourMs, minuteMs } from '../platform/units.ts';
import { statePaths } from '../state-folder/paths.ts';
import { changeAwayState, databaseAway, makeAwayState, unknownRecipient as unknown } from './away-state.ts';
import type { AwayChange, AwayRecipient, AwayState } from './away-state.ts';
import type { ClaimedMails, SendAwayMailsOptions } from './away-mail.ts';
import { isLineDue } from './hourly-line.ts';
import { pauseAfterRefusal } from './refusal-pause.ts';

export interface AwayNoticesOptions extends SendAwayMailsOptions {
  readonly program: 'collect' | 'alert';
}

/** The delay of the first mail. A restart of the database is not worth a mail. */
const mailAfterMs = 10 * minuteMs;
/** The tolerance for cron, which may start a program slightly earlier than an hour after the last start. */
const slackMs = 2_500;
/** The pause after a mail that was not sent. */
const triedPauseMs = 5 * minuteMs;

/** True if the database caused the fault, rather than the program or the run. */
export function isDatabaseAway({ stage, code }: Pick<FleetError, 'stage' | 'code'>): boolean {
  return stage === 'storage' && code !== 'locked' && code !== 'interrupted';
}

/** The notices of one run about one topic. */
export class AwayNotices {
  readonly #options: AwayNoticesOptions;
  readonly #file: string;
  readonly #repeatMs: number | null;
  #last: FleetError | null = null;
  #isDue = true;

  constructor(options: AwayNoticesOptions) {
    const { config, topic } = options;
    this.#options = options;
    this.#file = statePaths(config.stateDir)[topic.state];
    this.#repeatMs = topic.repeats ? config.alerts.repeatMs : null;
  }

  /**
   * Records a fault of the topic. Returns true if the fault is to be logged: it is not of the topic, or a line is due.
   */
  heed(fault: FleetError): boolean {
    const { topic, program, now } = this.#options;
    if (topic === databaseAway && !isDatabaseAway(fault)) return true;
    if (this.#last !== null) return this.#isDue;
    this.#last = fault;
    this.#isDue = this.#change((state) => {
      state.seen(program, now());
      if (!isLineDue(state.state, now())) return false;
      state.logged(now());
      return true;
    }, true);
    return this.#isDue;
  }

  /** Sends the mails that are due at the run's end. `well`: the run had no outage. Returns the faults of sending. */
  async end(well: boolean): Promise<readonly FleetError[]> {
    const { topic } = this.#options;
    if (this.#last === null && !well) return [];
    if (this.#last === null && !topic.isPrepared && !existsSync(this.#file)) return [];
    if (this.#last === null && topic.isPrepared) prepare(this.#file);
    const due = this.#last === null ? this.#dueEnds() : this.#dueMails(await recipientsOf(this.#options));
    const faults = due.recipients.length === 0 ? [] : await this.#send(due);
    if (this.#last === null && (due.state.sinceMs !== null || !topic.isPrepared)) this.#forgetEnded();
    return faults;
  }

  /** Claims the mails about the outage that are due. */
  #dueMails(listed: readonly string[]): ClaimedMails {
    const { now } = this.#options;
    return this.#claim('away', (state) => {
      const { sinceMs, recipients } = state.state;
      if (sinceMs === null || now() - sinceMs < mailAfterMs) return [];
      return listed.filter((recipient) => isMailDue(recipients.get(recipient) ?? unknown, now(), this.#repeatMs));
    });
  }

  /** Records that the program had no outage, and claims the mails about the end that are due. */
  #dueEnds(): ClaimedMails {
    const { program, now } = this.#options;
    return this.#claim('back', (state) => {
      state.gone(program);
      const { sinceMs, programs, recipients } = state.state;
      if (sinceMs === null || programs.length > 0) return [];
      state.ended(now());
      return notifiedIn(recipients).filter((recipient) => isPauseOver(recipients.get(recipient) ?? unknown, now()));
    });
  }

  /** Claims mails: their recipients are not tried again within five minutes, by either program. */
  #claim(kind: ClaimedMails['kind'], dueIn: (state: AwayChange) => readonly string[]): ClaimedMails {
    const atMs = this.#options.now();
    const nothing: ClaimedMails = { kind, state: noState, recipients: [] };
    return this.#change<ClaimedMails>((state) => {
      const recipients = dueIn(state);
      const before = state.state;
      for (const recipient of recipients) {
        state.keep(recipient, { ...(before.recipients.get(recipient) ?? unknown), triedAtMs: atMs });
      }
      return { kind, state: before, recipients };
    }, nothing);
  }

  /** Sends claimed mails, and records each outcome by its recipient. Returns the faults of sending. */
  async #send({ kind, state: before, recipients }: ClaimedMails): Promise<readonly FleetError[]> {
    const { now } = this.#options;
    const faults: FleetError[] = [];
    const listed = await recipientsOf(this.#options);
    const { sendAwayMails } = await import('./away-mail.ts');
    const claimed = { kind, state: before, recipients };
    for await (const { recipient, fault, mayHaveArrived } of sendAwayMails(this.#options, claimed, this.#last)) {
      if (fault !== null) faults.push(fault);
      const isRefused = fault !== null && fault.code === 'mail-refused' && !fault.retryable;
      const isGivenUp = isRefused && kind === 'back' && !listed.includes(recipient);
      this.#change((state) => {
        const known = before.recipients.get(recipient) ?? unknown;
        if (fault === null && kind === 'away') state.keep(recipient, reached(known, before, now()));
        else if (fault === null || isGivenUp) state.keep(recipient, null);
        else if (isRefused) state.keep(recipient, { ...known, triedAtMs: now(), refusals: known.refusals + 1 });
        else if (mayHaveArrived && kind === 'away') state.keep(recipient, mayKnow(known, before, now()));
      }, undefined);
    }
    // Faults of one server are one line.
    return [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  }

  /** Clears the state once the outage is over and nobody has to be notified of its end. */
  #forgetEnded(): void {
    const isOver = this.#change((state) => {
      const { sinceMs, endedMs, recipients } = state.state;
      if (sinceMs === null) return true;
      if (endedMs === null || notifiedIn(recipients).length > 0) return false;
      state.forget();
      return true;
    }, false);
    if (isOver) this.#leave();
  }

  /**
   * Changes the state. Returns `otherwise` if the file cannot be written. Then every line is due, but no mail, as that
   * could mean a mail every minute.
   */
  #change<T>(work: (state: AwayChange) => T, otherwise: T): T {
    try {
      return changeAwayState(this.#file, work);
    } catch {
      return otherwise;
    }
  }

  /** Removes a state that is not prepared, so that later runs need not open the file. */
  #leave(): void {
    if (!this.#options.topic.isPrepared) rmSync(this.#file, { force: true });
  }
}

/** Creates the state while the disk has room. */
function prepare(file: string): void {
  try {
    makeAwayState(file);
  } catch {
    // Without the state every line is due.
  }
}

const noState: AwayState = { sinceMs: null, endedMs: null, programs: [], loggedAtMs: null, recipients: new Map() };

/** Returns a recipient after a delivered mail about the outage. */
function reached(known: AwayRecipient, { sinceMs }: AwayState, atMs: number): AwayRecipient {
  const mails = known.mails + 1;
  return { sinceMs: known.sinceMs ?? sinceMs, mails, mailedAtMs: atMs, triedAtMs: null, refusals: 0 };
}

/** Returns a recipient after a mail about the outage whose answer was lost: it is sent again, and so is its end. */
function mayKnow(known: AwayRecipient, { sinceMs }: AwayState, atMs: number): AwayRecipient {
  return { ...known, sinceMs: known.sinceMs ?? sinceMs, triedAtMs: atMs };
}

/** Returns the recipients that were, or may have been, notified of the outage, and not of its end. */
function notifiedIn(recipients: AwayState['recipients']): readonly string[] {
  return [...recipients].flatMap(([recipient, { sinceMs }]) => (sinceMs === null ? [] : recipient));
}

/** Returns the recipients that config.xml names. */
async function recipientsOf({ config, topic }: AwayNoticesOptions): Promise<readonly string[]> {
  // Loaded only during an outage: most runs have none.
  const { awayRecipients } = await import('../config/recipients/fleet-recipients.ts');
  return awayRecipients(config, topic.rule);
}

/**
 * Returns true if a mail about the outage is due: to an unreached recipient after a pause, to others at the interval of
 * <alerts repeat>, hourly at most. `repeatMs` null: only once.
 */
function isMailDue(known: AwayRecipient, nowMs: number, repeatMs: number | null): boolean {
  const { mailedAtMs } = known;
  if (!isPauseOver(known, nowMs)) return false;
  if (mailedAtMs === null || mailedAtMs > nowMs) return true;
  return repeatMs !== null && nowMs - mailedAtMs >= Math.max(hourMs, repeatMs) - slackMs;
}

/** True if no attempt without a delivery was made lately. A time in the future comes from a wrong clock. */
function isPauseOver({ triedAtMs, refusals }: AwayRecipient, nowMs: number): boolean {
  const pauseMs = refusals === 0 ? triedPauseMs : pauseAfterRefusal(refusals);
  return triedAtMs === null || triedAtMs > nowMs || nowMs - triedAtMs >= pauseMs - slackMs;
}
