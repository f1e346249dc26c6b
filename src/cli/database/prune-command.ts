import { example, type CommandPlace } from '../command/command-parts.ts';

/** `prune`. */
export function addPrune({ program, execute }: CommandPlace): void {
  example(
    program
      .command('prune')
      .description('roll up and remove what is older than <retention> says; every full collect does a part of it'),
    'fleet-health prune --dry-run',
  )
    .option('--dry-run', 'say how much would go, and change nothing')
    .option(
      '--vacuum',
      'also make an SQLite file anew, so that it is as small as can be and shrinks by itself from then on',
    )
    .action((options: { dryRun?: true; vacuum?: true }) =>
      execute(async (context) => {
        const { pruneCommand } = await import('./prune.ts');
        return pruneCommand(context, { dryRun: options.dryRun ?? false, vacuum: options.vacuum ?? false });
      }),
    );
}
