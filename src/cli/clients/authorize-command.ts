import { example, Option, type CommandPlace } from '../command/command-parts.ts';
import type { AgentKind } from './agent-kind.ts';
import { agentKinds } from './agent-kind.ts';

interface GivenOptions {
  readonly key?: string;
  readonly agent?: AgentKind;
  readonly from?: readonly string[];
  readonly script?: true;
}

/** `authorize`. */
export function addAuthorize({ program, execute }: CommandPlace): void {
  const command = program
    .command('authorize')
    .description('the authorized_keys line for a key that runs nothing but the agent on a client')
    .argument('<client>', 'its name in config.xml, or that of a bastion')
    .option('--key <file>', 'the public key (default: that of privateKey of the client)')
    .addOption(
      new Option(
        '--agent <kind>',
        'the agent for Node.js, or the shell agent (default: what read the client last)',
      ).choices(agentKinds),
    )
    .option(
      '--from <addresses>',
      'the addresses that the key is let in from, for from="..." (several: with commas, or given again)',
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    )
    .option('--script', 'print a shell script that puts agent and line in place; the line keeps its other options');
  example(command, 'fleet-health authorize web-1 --script | ssh root@web-1 sh').action(
    (client: string, { key, agent, from, script }: GivenOptions) =>
      execute(async (context) => {
        const { authorizeCommand } = await import('./authorize.ts');
        return await authorizeCommand(context, {
          client,
          key: key ?? null,
          agent: agent ?? null,
          from: from ?? [],
          script: script ?? false,
        });
      }),
  );
}
