import { example, wholeNumber, type Command, type CommandPlace } from '../command/command-parts.ts';

/** What people say to the alerter. */
export function addHolding(place: CommandPlace): void {
  addAck(place);
  addSilence(place);
  addMail(place);
  addForget(place);
}

/** Acknowledging, and taking it back. */
function addAck({ program, execute }: CommandPlace): void {
  const ofTarget = (command: Command): Command =>
    command
      .argument('[names...]', 'numbers of alerts (12 15-19), or a client or pattern, then a rule or pattern')
      .option('--all', 'everything that fires in the whole fleet, not only what you are told of');
  ofTarget(
    example(
      program.command('ack').description('acknowledge: no reminders until it ends or gets worse'),
      "fleet-health ack db-1 disk --until 18:00 --comment 'on it'",
    ),
  )
    .option('--for <duration>', 'only so long: 4h')
    .option('--until <time>', untilHelp)
    .option('--comment <text>', 'for the others: `alerts`, `explain` and mails show it')
    .action((names: readonly string[], options: AckFlags) =>
      execute(async (context) => {
        const { ackCommand } = await import('./ack.ts');
        return ackCommand(context, {
          names,
          all: options.all ?? false,
          for: options.for ?? null,
          until: options.until ?? null,
          comment: options.comment ?? null,
        });
      }),
    );
  ofTarget(
    example(
      program.command('unack').description('take an acknowledgement back: reminders come again'),
      'fleet-health unack 12',
    ),
  ).action((names: readonly string[], options: Pick<AckFlags, 'all'>) =>
    execute(async (context) => {
      const { unackCommand } = await import('./ack.ts');
      return unackCommand(context, { names, all: options.all ?? false });
    }),
  );
}

const untilHelp = 'until then: 18:00 (the next), tomorrow 08:00, 2026-12-01 06:00, or how long (2h)';

interface AckFlags {
  readonly all?: true;
  readonly for?: string;
  readonly until?: string;
  readonly comment?: string;
}

/** What is no more. */
function addForget({ program, execute }: CommandPlace): void {
  const forget = example(
    program.command('forget').description('what is no more, so that nobody waits for it'),
    'fleet-health forget collector 5f0c2a6e',
  );
  example(
    forget.command('collector').description('a collector that will not run again'),
    'fleet-health forget collector 5f0c2a6e',
  )
    .argument('<id>', 'its collector-id, as the alert names it; the first characters are enough')
    .action((id: string) =>
      execute(async (context) => {
        const { forgetCollectorCommand } = await import('./forget.ts');
        return forgetCollectorCommand(context, id);
      }),
    );
  example(
    forget.command('client').description('a client that left config.xml: its history is deleted'),
    'fleet-health forget client old-web-2',
  )
    .argument('<name>', 'as `status` lists it')
    .option('--yes', 'ask nothing')
    .action((name: string, options: { yes?: true }) =>
      execute(async (context) => {
        const { forgetClientCommand } = await import('./forget.ts');
        return forgetClientCommand(context, name, options.yes ?? false);
      }),
    );
}

/** Mails that wait. */
function addMail({ program, execute }: CommandPlace): void {
  const mail = example(program.command('mail').description('mails that no server has taken'), 'fleet-health mail list');
  example(mail.command('list').description('those that wait, and why'), 'fleet-health mail list').action(() =>
    execute(async (context) => (await import('./mail.ts')).mailListCommand(context)),
  );
  example(mail.command('discard').description('give up for good'), 'fleet-health mail discard 7')
    .argument('<number...>', 'as in the list', (text, before: number[] | undefined) => [
      ...(before ?? []),
      mailNumber(text),
    ])
    .action((ids: number[]) =>
      execute(async (context) => (await import('./mail.ts')).mailDiscardCommand(context, ids)),
    );
}

const mailNumber = wholeNumber(1, 999_999_999);

type SilenceFlags = Readonly<
  Partial<Record<'client' | 'group' | 'rule' | 'subject' | 'from' | 'until' | 'for' | 'comment', string>>
>;

function addSilence({ program, execute }: CommandPlace): void {
  const silence = example(
    program.command('silence').description('tell nobody of something for a while'),
    "fleet-health silence add --client 'web-*' --rule disk --until 2h --comment 'moving logs'",
  );
  example(
    silence.command('add').description('begin one; patterns are as in config.xml'),
    'fleet-health silence add --group web --from 22:00 --until 06:00',
  )
    .option('--client <pattern>', 'the clients')
    .option('--group <name>', 'the clients of this group and of those inside it, also those that join it later')
    .option('--rule <pattern>', 'the rules, by name')
    .option('--subject <pattern>', 'the mounts, units, interfaces ...')
    .option('--from <time>', 'not before then; as --until')
    .option('--until <time>', untilHelp)
    .option('--for <duration>', 'how long: 2h')
    .option('--comment <text>', 'for the others')
    .action((options: SilenceFlags) =>
      execute(async (context) => {
        const { silenceAddCommand } = await import('./silence.ts');
        return silenceAddCommand(context, {
          client: options.client ?? null,
          group: options.group ?? null,
          rule: options.rule ?? null,
          subject: options.subject ?? null,
          from: options.from ?? null,
          until: options.until ?? null,
          for: options.for ?? null,
          comment: options.comment ?? '',
        });
      }),
    );
  example(silence.command('list').description('those in force'), 'fleet-health silence list').action(() =>
    execute(async (context) => (await import('./silence.ts')).silenceListCommand(context)),
  );
  example(silence.command('expire').description('end one now'), 'fleet-health silence expire 3')
    .argument('<id>', 'its number, as in the list', wholeNumber(1, 999_999_999))
    .action((id: number) =>
      execute(async (context) => {
        const { silenceExpireCommand } = await import('./silence.ts');
        return silenceExpireCommand(context, id);
      }),
    );
}
