import { example, groupOption, type CommandPlace } from '../command/command-parts.ts';

/** `cleanup`. */
export function addCleanup({ program, execute }: CommandPlace): void {
  const command = program
    .command('cleanup')
    .description('remove what fleet-health has left on clients')
    .argument('[client...]', 'only these clients')
    .addOption(groupOption())
    .option('--yes', 'ask nothing')
    .option('--all', 'also what other collectors have left')
    .option('--force', 'also reports that could not be brought home first');
  example(command, 'fleet-health cleanup web-1 --yes').action(
    (clients: string[], options: { group?: string; yes?: true; all?: true; force?: true }) =>
      execute(async (context) => {
        const { cleanupCommand } = await import('./cleanup.ts');
        return cleanupCommand(context, {
          clients,
          group: options.group ?? null,
          yes: options.yes ?? false,
          all: options.all ?? false,
          force: options.force ?? false,
        });
      }),
  );
}
