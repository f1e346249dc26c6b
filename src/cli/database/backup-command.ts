import { example, type CommandPlace } from '../command/command-parts.ts';

/** `backup`. */
export function addBackup({ program, execute }: CommandPlace): void {
  const command = program
    .command('backup')
    .description('copy the embedded database, whole and as of now, while everything goes on')
    .argument('<file>', 'what must not be there yet');
  example(command, 'fleet-health backup /backup/fleet-$(date +%F).db').action((file: string) =>
    execute(async (context) => (await import('./backup.ts')).backupCommand(context, file)),
  );
}
