import { example, Option, type CommandPlace } from '../command/command-parts.ts';

interface GivenOptions {
  readonly every?: string;
  readonly script?: true;
  readonly remove?: true;
}

/** `spool`. */
export function addSpool({ program, execute }: CommandPlace): void {
  const command = program
    .command('spool')
    .description('the crontab line that has a client take reports itself while the collector does not come')
    .argument('<client>', 'its name in config.xml')
    .option('--every <duration>', 'how often, as 5m or 1h (default: as often as the collector comes)')
    .option('--script', 'print a shell script that puts the line into the crontab of the account that runs it')
    .addOption(new Option('--remove', 'print a shell script that takes it out again').conflicts(['every', 'script']));
  example(command, 'fleet-health spool web-1 --script | ssh monitor@web-1 sh').action(
    (client: string, { every, script, remove }: GivenOptions) =>
      execute(async (context) => {
        const { spoolCommand } = await import('./spool.ts');
        const print = remove ? 'remove' : script ? 'script' : 'line';
        return await spoolCommand(context, { client, every: every ?? null, print });
      }),
  );
}
