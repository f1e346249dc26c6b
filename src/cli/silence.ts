import { silenceMatcher } from '../alerter/silences.ts';
import type { Config } from '../config/config.ts';
import { globMatcher } from '../config/globs.ts';
import { FleetError } from '../errors.ts';
import { escapeControls } from '../log.ts';
import type { AlertStore, Silence } from '../storage/alert-store.ts';
import { authorName } from './author.ts';
import type { Context, ExitStatus } from './context.ts';
import { describeAge } from './duration.ts';
import { changeStored, readStored } from './read-stored.ts';
import { jsonTime, readerTime } from './reader-time.ts';
import { loadSettings } from './settings.ts';
import { oddPatterns } from './silence-patterns.ts';
import { renderTable } from './table.ts';
import { checkLength, parseUntil } from './until.ts';

/** Patterns as in config.xml; null: all. */
export interface SilenceAddOptions {
  readonly client: string | null;
  readonly rule: string | null;
  readonly subject: string | null;
  /** A duration or a time. */
  readonly until: string;
  readonly comment: string;
}

const maxPatternChars = 512;
const maxCommentChars = 1000;

/** `silence add`: what fits the patterns is not told until that time. */
export async function silenceAddCommand(context: Context, options: SilenceAddOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const { client, rule, subject } = options;
  if (client === null && rule === null && subject === null) {
    throw new FleetError({
      code: 'usage',
      stage: 'usage',
      message: 'nothing says what is to be silent',
      advice: "Give --client, --rule or --subject; --client '*' is everything.",
    });
  }
  const config = loadSettings(context);
  const patterns = {
    client: checkLength('--client', client ?? '*', maxPatternChars),
    rule: checkLength('--rule', rule ?? '*', maxPatternChars),
    subject: checkLength('--subject', subject ?? '*', maxPatternChars),
  };
  const comment = checkLength('--comment', options.comment, maxCommentChars);
  const { silence, held, nowMs } = await changeStored(config, signal, async (alerts) => {
    const now = await alerts.nowMs();
    const endsAtMs = parseUntil('--until', options.until, config, now);
    const added = { ...patterns, startsAtMs: now, endsAtMs, author: authorName(), comment };
    const id = await alerts.addSilence(added);
    return { silence: { ...added, id }, held: await countHeld(alerts, patterns), nowMs: now };
  });
  const odd = oddPatterns(config, patterns);
  const clients = config.clients.map(({ name }) => name).filter(globMatcher(patterns.client)).length;
  if (output.json) {
    output.printJson({
      command: 'silence add',
      silence: silenceJson(silence),
      clients,
      open_alerts: held,
      warnings: odd,
    });
    return 0;
  }
  for (const warning of odd) output.complain(`${output.colour('yellow', 'warning')}: ${escapeControls(warning)}`);
  if (output.verbosity !== 'quiet') output.print(addedText(config, silence, { clients, held, nowMs }));
  return 0;
}

async function countHeld(alerts: AlertStore, patterns: SilencePatternsOfAll): Promise<number> {
  const open = await alerts.openEpisodes(null);
  return open.filter(silenceMatcher(patterns)).filter(({ state }) => state === 'firing').length;
}

type SilencePatternsOfAll = Pick<Silence, 'client' | 'rule' | 'subject'>;

function addedText(
  config: Config,
  silence: Silence,
  { clients, held, nowMs }: { readonly clients: number; readonly held: number; readonly nowMs: number },
): string {
  const { zone, momentAndAge } = readerTime(config, nowMs);
  const subject = silence.subject === '*' ? '' : `, subject ${silence.subject}`;
  const what = escapeControls(`client ${silence.client}, rule ${silence.rule}${subject}`);
  const count = `${clients} ${clients === 1 ? 'client' : 'clients'} of config.xml`;
  const open = held === 0 ? '' : ` ${held} open ${held === 1 ? 'alert is' : 'alerts are'} held back from now on.`;
  return `Silence ${silence.id}: ${what}, until ${momentAndAge(silence.endsAtMs)}, ${zone}.
It covers ${count}.${open} To end it: fleet-health silence expire ${silence.id}`;
}

/** `silence list`: those that have not ended. */
export async function silenceListCommand(context: Context): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const { silences, nowMs } = await readStored(config.storage, signal, async ({ alerts }) => {
    const now = (await alerts?.nowMs()) ?? Date.now();
    return { silences: (await alerts?.silences(now)) ?? [], nowMs: now };
  });
  if (output.json) output.printJson({ command: 'silence list', silences: silences.map(silenceJson) });
  else if (silences.length === 0) output.print('No silence is in force.');
  else {
    const { zone, moment } = readerTime(config, nowMs);
    const table = renderTable(
      output,
      [
        { title: 'id', align: 'right' },
        { title: 'client', shrinks: true },
        { title: 'rule', shrinks: true },
        { title: 'subject', shrinks: true },
        { title: 'until' },
        { title: 'left', align: 'right' },
        { title: 'by' },
        { title: 'comment', shrinks: true },
      ],
      silences.map((one) => [
        String(one.id),
        one.client,
        one.rule,
        one.subject,
        moment(one.endsAtMs),
        describeAge(one.endsAtMs - nowMs),
        one.author,
        one.comment,
      ]),
    );
    output.print(`${table}\n\nTimes are ${zone}.`);
  }
  return 0;
}

/** `silence expire`: ends one now. */
export async function silenceExpireCommand(context: Context, id: number): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const others = await changeStored(config, signal, async (alerts) => {
    const nowMs = await alerts.nowMs();
    return (await alerts.expireSilence(id, nowMs)) ? null : await alerts.silences(nowMs);
  });
  if (others !== null) {
    const ids = others.map((silence) => silence.id).join(', ');
    throw new FleetError({
      code: 'usage',
      stage: 'usage',
      message: `there is no silence ${id} in force`,
      advice: others.length === 0 ? 'None is.' : `These are: ${ids}.`,
    });
  }
  if (output.json) output.printJson({ command: 'silence expire', id });
  else if (output.verbosity !== 'quiet') {
    output.print(`Silence ${id} has ended. What still holds is told once the client's next row confirms it.`);
  }
  return 0;
}

/** A silence for programs. */
export function silenceJson({ startsAtMs, endsAtMs, ...silence }: Silence): unknown {
  const { id, client, rule, subject, author, comment } = silence;
  return {
    id,
    client,
    rule,
    subject,
    starts_at: jsonTime(startsAtMs),
    ends_at: jsonTime(endsAtMs),
    author,
    comment,
  };
}
