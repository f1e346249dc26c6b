import { example, type CommandPlace } from './command-parts.ts';

/** `authorize`. */
export function addAuthorize({ program, execute }: CommandPlace): void {
  const command = program
    .command('authorize')
    .description('the authorized_keys line for a key that runs nothing but the agent on a client')
    .argument('<client>', 'its name in config.xml')
    .option('--key <file>', 'the public key (default: that of privateKey of the client)')
    .option('--script', 'print a shell script that puts agent and line in place');
  example(command, 'fleet-health authorize web-1 --script | ssh root@web-1 sh').action(
    (client: string, options: { key?: string; script?: true }) =>
      execute(async (context) => {
        const { authorizeCommand } = await import('./authorize.ts');
        return authorizeCommand(context, { client, key: options.key ?? null, script: options.script ?? false });
      }),
  );
}
