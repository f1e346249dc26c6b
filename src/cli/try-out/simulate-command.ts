import path from 'node:path';

import type { ProfileName } from '../../simulator/profile.ts';
import { example, Option, wholeNumber, type CommandPlace } from '../command/command-parts.ts';

// Of their own, so that no other command loads the simulator.
const profileNames = ['clean', 'slow', 'lossy', 'storm'] as const satisfies readonly ProfileName[];

interface SimulateOptions {
  readonly dir: string;
  readonly clients?: number;
  readonly profile?: ProfileName;
  readonly seed?: number;
  readonly every?: string;
  readonly for?: string;
  readonly part?: string;
}

/** `simulate`. What it can be given stands in docs/simulator.md. */
export function addSimulate({ program, execute }: CommandPlace): void {
  example(
    program
      .command('simulate')
      .description('a fleet of SSH servers on loopback, to size a server with and to rehearse storms'),
    'fleet-health simulate --clients 10000 --profile storm --for 2h',
  )
    .option('--dir <folder>', 'the folder to use', 'fleet-health-simulation')
    .option('--clients <n>', 'how many (default: 1000)', wholeNumber(1, 100_000))
    .addOption(new Option('--profile <name>', 'what is wrong with them (default: clean)').choices(profileNames))
    .option('--seed <n>', 'the same number makes the same fleet (default: any)', wholeNumber(0, 999_999_999))
    .option('--every <duration>', 'how often you collect; storms are measured by it (default: 5m)')
    .option('--for <duration>', 'end by itself (default: run until Ctrl-C)')
    .addOption(new Option('--part <range>', 'serve these of an earlier plan, for the process that began it').hideHelp())
    .action((options: SimulateOptions) =>
      execute(async (context) => {
        const dir = path.resolve(options.dir);
        if (options.part !== undefined) {
          const { simulatePart } = await import('./simulate-processes.ts');
          return simulatePart(dir, options.part);
        }
        const { simulateCommand } = await import('./simulate.ts');
        return simulateCommand(context, {
          dir,
          clients: options.clients ?? null,
          profile: options.profile ?? null,
          seed: options.seed ?? null,
          every: options.every ?? null,
          for: options.for ?? null,
        });
      }),
    );
}
