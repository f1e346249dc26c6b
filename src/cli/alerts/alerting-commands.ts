import { example, type CommandPlace } from '../command/command-parts.ts';

/** What concerns alerts and those who are told. */
export function addAlerting({ program, execute }: CommandPlace): void {
  example(
    program.command('alert').description('judge what was stored and mail what people need to know, once'),
    'fleet-health alert --dry-run',
  )
    .option('--dry-run', 'print the mails it would send, and change nothing')
    .option('--replay', 'judge what is stored again: what would have been told, and when; changes nothing')
    .option('--since <time>', 'how far back the replay goes: a duration (30d) or a time; default 7d')
    .option('--rules <file>', 'replay the rules of this config.xml instead')
    .action((options: { dryRun?: true; replay?: true; since?: string; rules?: string }) =>
      execute(async (context) => {
        if (options.replay !== undefined || options.since !== undefined || options.rules !== undefined) {
          const { replayCommand } = await import('./replay.ts');
          return replayCommand(context, {
            since: options.since ?? null,
            rules: options.rules ?? null,
            replay: options.replay ?? false,
          });
        }
        const { alertCommand } = await import('../runs/alert.ts');
        return alertCommand(context, { dryRun: options.dryRun ?? false });
      }),
    );

  example(
    program.command('alerts').description('what is open, since when, and who was told'),
    "fleet-health alerts 'web-*'",
  )
    .argument('[client]', 'only those of this client or pattern')
    .option('--all', 'also what has ended in the last seven days')
    .option('--since <time>', 'what has fired since then, ended or not: last night is --since 22:00; 3d, yesterday')
    .option('--exit-status', 'exit with 1 if an alert shown fires')
    .action((client: string | undefined, options: { all?: true; since?: string; exitStatus?: true }) =>
      execute(async (context) => {
        const { alertsCommand } = await import('./alerts.ts');
        return alertsCommand(context, {
          client: client ?? null,
          all: options.all ?? false,
          since: options.since ?? null,
          exitStatus: options.exitStatus ?? false,
        });
      }),
    );

  example(
    program.command('explain').description('why something was told or was not, from what is stored'),
    'fleet-health explain db-1 disk',
  )
    .argument('[client]', 'one client')
    .argument('[rule]', 'only this rule or pattern, and more about it')
    .option('--fleet', 'what concerns no single client, or one rule of it: explain --fleet collector-silent')
    .action((first: string | undefined, second: string | undefined, options: { fleet?: true }) =>
      execute(async (context) => {
        const { explainCommand, whatToExplain } = await import('./explain.ts');
        return explainCommand(context, whatToExplain([first, second], options.fleet ?? false));
      }),
    );
}
