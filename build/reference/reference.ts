/** The documents that follow from the vocabulary of config.xml and the table of commands. */
import { createProgram } from '../../src/cli.ts';
import { createAgentProgram } from '../../src/agent-cli.ts';
import { configManual } from './config-manual.ts';
import { configPage } from './config-page.ts';
import { programManual } from './program-manual.ts';

const nothing = (): Promise<void> => Promise.resolve();

/** Returns the files with their paths below the package's folder. */
export function referenceFiles(): readonly (readonly [path: string, content: string])[] {
  return [
    ['docs/config.md', configPage()],
    ['man/fleet-health-config.5', configManual()],
    ['man/fleet-health.1', collectorManual()],
    ['man/fleet-health-agent.1', agentManual()],
  ];
}

function collectorManual(): string {
  return programManual({
    program: createProgram(nothing),
    environment: [
      { name: 'FLEET_HEALTH_CONFIG', help: 'The configuration, where no option names one.' },
      { name: 'SSH_AUTH_SOCK', help: 'The agent of ssh, where config.xml asks for one.' },
    ],
    files: [
      { name: '/etc/fleet-health/config.xml', help: 'The configuration, where none lies in the working folder.' },
      {
        name: '/var/lib/fleet-health',
        help: 'Keys, spool and the embedded database, for a configuration in /etc; else the folder state beside it.',
      },
    ],
    seeAlso: [
      ['crontab', 1],
      ['fleet-health-agent', 1],
      ['ssh', 1],
      ['fleet-health-config', 5],
    ],
  });
}

function agentManual(): string {
  return programManual({
    program: createAgentProgram(nothing),
    environment: [{ name: 'HOME', help: "The account's own agent.json and state lie below it." }],
    files: [
      { name: '~/.config/fleet-health/agent.json', help: 'What this machine does by itself.' },
      { name: '/etc/fleet-health/agent.json', help: 'The same, where the account has none.' },
    ],
    seeAlso: [
      ['fleet-health', 1],
      ['fleet-health-config', 5],
    ],
  });
}
