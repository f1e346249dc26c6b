/**
 * Notifies people without the database that the database is away, or that config.xml is broken: a line on stderr at
 * first and then hourly, a mail after ten minutes, and one mail at the end. The collector and the alerter of one
 * machine share the state, so that nobody is notified twice.
 */
import { existsSync, rmSync } from 'node:fs';

import type { Config } from '../config/config.ts';
import { asFleetError, type FleetError } from '../errors.ts';
import { hourMs, minuteMs } from '../platform/units.ts';
import { statePaths } from '../state/paths.ts';
import { changeAwayState, databaseAway, makeAwayState } from './away-state.ts';
import type { AwayChange, AwayState, AwayTopic } from './away-state.ts';
import type { Channel } from './notify.ts';
import { isLineDue } from './hourly-line.ts';

export interface AwayNoticesOptions {
  readonly topic: AwayTopic;
  readonly config: Config;
  readonly program: 'collect' | 'alert';
  readonly host: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
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

type Due = { readonly kind: 'away' | 'back'; readonly before: AwayState };

/** The notices of one run about one topic. */
export class AwayNotices {
  readonly #options: AwayNoticesOptions;
  readonly #file: string;
  readonly #repeatMs: number | null;
  #last: FleetError | null = null;
  #isDue = true;
  #isOver = false;

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
    const { topic, now } = this.#options;
    if (this.#last === null && !well) return [];
    if (this.#last === null && !topic.isPrepared && !existsSync(this.#file)) return [];
    if (this.#last === null && topic.isPrepared) prepare(this.#file);
    const mail = this.#due();
    if (mail === null) {
      if (this.#isOver) this.#leave();
      return [];
    }
    const { faults, reached } = await send(this.#options, mail, this.#last);
    this.#change((state) => {
      if (mail.kind === 'back' && reached) state.forget();
      if (mail.kind === 'away' && !reached) state.returnMail(mail.before, now());
    }, undefined);
    if (mail.kind === 'back' && reached) this.#leave();
    return faults;
  }

  #due(): Due | null {
    const { program, now } = this.#options;
    return this.#change<Due | null>((state) => {
      const before = state.state;
      if (this.#last !== null) {
        if (!isMailDue(before, now(), this.#repeatMs)) return null;
        state.claimMail(now());
        return { kind: 'away', before };
      }
      state.gone(program);
      if (before.sinceMs === null || state.state.programs.length > 0) return null;
      if (before.mails === 0) {
        state.forget();
        this.#isOver = true;
        return null;
      }
      // A mail was tried recently, perhaps by the other program.
      if (!isMailDue({ ...before, sinceMs: 0, mailedAtMs: null }, now(), null)) return null;
      state.returnMail(before, now());
      return { kind: 'back', before };
    }, null);
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

interface Sent {
  readonly faults: readonly FleetError[];
  /** True if somebody was notified, or there is no recipient. */
  readonly reached: boolean;
}

const timeouts = { timeoutMs: 30_000, answerTimeoutMs: 30_000 };

async function send(options: AwayNoticesOptions, { kind, before }: Due, fault: FleetError | null): Promise<Sent> {
  const { config, host, now, signal, topic } = options;
  // Loaded only if there is a mail to send: most runs have none.
  const [{ awayRecipients, composeAwayMail }, { openChannels }] = await Promise.all([
    import('./away-mail.ts'),
    import('./channels.ts'),
  ]);
  const recipients = awayRecipients(config, topic.rule);
  const channels = openChannels(config, timeouts);
  const faults: FleetError[] = [];
  // A channel whose server failed is not tried again for further recipients.
  const away = new Set<Channel>();
  let reached = recipients.length === 0;
  for (const recipient of recipients) {
    const channel = channels.channelFor(recipient);
    if (away.has(channel)) continue;
    try {
      const mail = await composeAwayMail({
        kind,
        host,
        recipient,
        config,
        sinceMs: before.sinceMs ?? now(),
        nowMs: now(),
        number: before.mails + 1,
        programs: before.programs,
        fault,
        topic: topic.rule,
      });
      const onDataBegun = (): Promise<void> => Promise.resolve();
      await channel.send({ recipient, ...mail, severity: 'critical' }, { signal, onDataBegun });
      reached = true;
    } catch (thrown) {
      const fault = asFleetError(thrown, { code: 'mail-unavailable', stage: 'mail' });
      faults.push(fault);
      if (fault.stage !== 'mail') away.add(channel);
    }
  }
  channels.close();
  return { faults, reached };
}

/**
 * Returns true if a mail is due: after ten minutes, then at the interval of <alerts repeat>, hourly at most. `repeatMs`
 * null: only once.
 */
function isMailDue(state: AwayState, nowMs: number, repeatMs: number | null): boolean {
  const { sinceMs, mailedAtMs, triedAtMs } = state;
  if (sinceMs === null || nowMs - sinceMs < mailAfterMs) return false;
  if (triedAtMs !== null && triedAtMs <= nowMs && nowMs - triedAtMs < triedPauseMs - slackMs) return false;
  if (mailedAtMs === null || mailedAtMs > nowMs) return true;
  return repeatMs !== null && nowMs - mailedAtMs >= Math.max(hourMs, repeatMs) - slackMs;
}
