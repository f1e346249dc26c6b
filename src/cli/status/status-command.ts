import { example, groupOption, Option, type CommandPlace } from '../command/command-parts.ts';

/** The values of --sort, as in fleet-status.ts, which is loaded only when it runs. */
const sortings = ['urgency', 'name', 'report', 'cpu', 'memory', 'disk', 'alerts'] as const;

interface StatusFlags {
  readonly group?: string;
  readonly sort: (typeof sortings)[number];
  readonly exitStatus?: true;
}

/** The fleet in a table. */
export function addStatus({ program, execute }: CommandPlace): void {
  example(program.command('status').description('the fleet in a table'), "fleet-health status 'web-*' --sort disk")
    .argument('[client...]', 'only these clients or patterns')
    .addOption(groupOption())
    .addOption(new Option('--sort <by>', 'what stands first').choices(sortings).default('urgency'))
    .option(
      '--exit-status',
      'exit with 1 if a client shown is late or failing, an alert fires or a mail is not delivered',
    )
    .action((clients: string[], options: StatusFlags) =>
      execute(async (context) => {
        const { statusCommand } = await import('./status.ts');
        return statusCommand(context, {
          clients,
          group: options.group ?? null,
          sort: options.sort,
          exitStatus: options.exitStatus ?? false,
        });
      }),
    );
}
