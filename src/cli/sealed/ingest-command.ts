import { example, type CommandPlace } from '../command/command-parts.ts';

/** `ingest`. */
export function addIngest({ program, execute }: CommandPlace): void {
  const command = program
    .command('ingest')
    .description('open what a collector without the private key (collect --no-open) has stored sealed');
  example(command, 'fleet-health ingest').action(() =>
    execute(async (context) => {
      const { ingestCommand } = await import('./ingest.ts');
      return ingestCommand(context);
    }),
  );
}
