/**
 * The servers of a simulated fleet: SSH on addresses of loopback. Each address is a client that answers visits with
 * sealed reports of plausible values, or fails them as its profile demands. The seed determines a client's properties
 * (fleet-plan.ts), the time its condition (condition.ts). Only unacknowledged reports are stored.
 */
import type { Socket } from 'node:net';

import type { ParsedKey } from './ssh-server.ts';
import { answerVisit } from './answer-visit.ts';
import { conditionOf, stormAt, type Condition } from './condition.ts';
import { openListeners } from './loopback-listeners.ts';
import { bastionAddress, planFleet, type FleetPlan, type SimulatedClient } from './fleet-plan.ts';
import { fraction } from './seeded.ts';
import { SimulatedAgent } from './simulated-agent.ts';
import { createSshFront, forwardTo, keyExchangeOffer, versionLine } from './ssh-front.ts';
import type { LoginAllowed, SshVisitor } from './ssh-front.ts';
import { startUnanswering, type Unanswering } from './unanswering.ts';
import { createVisitCounts, type VisitCounts } from './visit-counts.ts';

export interface SimulatorOptions extends LoginAllowed {
  readonly plan: FleetPlan;
  /**
   * The indexes of the clients to serve: from `first` to below `end`. The simulator of client 0 also serves the
   * bastion.
   */
  readonly first: number;
  readonly end: number;
  /** The host key of known_hosts. `otherHostKey` is that of clients whose host key has changed. */
  readonly hostKey: ParsedKey;
  readonly otherHostKey: ParsedKey;
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
}

export interface Simulator {
  counts(): VisitCounts;
  /** Begins or ends a storm if its time has come. Throws FleetError `simulator-failed`. */
  turn(): Promise<void>;
  close(): Promise<void>;
}

/** The seed part of a connection's random values, beside the number of earlier connections. */
const breakDraw = 400;

/** Starts all servers. Throws FleetError `simulator-failed`. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { plan, first, end, now, hostKey, otherHostKey } = options;
  const fleet = planFleet(plan);
  const mine = fleet.slice(first, end);
  const listeners = openListeners(plan.port);
  const counts = createVisitCounts();
  const front = createSshFront(options, hostKey);
  const otherFront = createSshFront(options, otherHostKey);
  let connections = 0;

  const visitorOf = (agent: SimulatedAgent, condition: Condition, socket: Socket): SshVisitor => ({
    login: condition.dead === 'login' ? 'hang' : condition.dead === 'login-refused' ? 'refuse' : 'accept',
    onReady: (client) => {
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          if (condition.dead === 'channel') {
            counts.add('channel');
            return;
          }
          const chance = fraction(plan.seed, agent.client.index, breakDraw, connections);
          const breaks =
            chance >= condition.brokenShare ? 'no' : chance < condition.brokenShare / 2 ? 'deaf' : 'report';
          const channel = acceptExec();
          const over = counts.begin(agent.client.index);
          channel.once('close', over);
          answerVisit({
            channel,
            command,
            agent,
            condition,
            breaks,
            now,
            cut: () => socket.destroy(),
            onEnd: (kind, reports) => {
              counts.add(kind, reports);
              // The agent has ended, whether the collector has closed the channel or is frozen.
              if (reports.sent > 0) over();
            },
          });
        });
      });
    },
  });

  const serve = (agent: SimulatedAgent, condition: Condition, socket: Socket): void => {
    if (socket.destroyed) return;
    const { dead } = condition;
    if (dead === 'silent' || dead === 'banner' || dead === 'key-exchange') {
      counts.add(dead);
      socket.resume();
      if (dead !== 'silent') socket.write(versionLine);
      if (dead === 'key-exchange') socket.write(keyExchangeOffer());
      return;
    }
    if (dead === 'login' || dead === 'login-refused' || dead === 'host-key-changed') counts.add(dead);
    const chosen = dead === 'host-key-changed' ? otherFront : front;
    chosen(socket, visitorOf(agent, condition, socket));
  };

  const openClient = (client: SimulatedClient): Promise<void> => {
    const agent = new SimulatedAgent(plan.seed, client);
    return listeners.open(client.address, (socket) => {
      connections++;
      const condition = conditionOf(plan, client, now());
      if (condition.latencyMs === 0) serve(agent, condition, socket);
      else setTimeout(() => serve(agent, condition, socket), condition.latencyMs);
    });
  };
  const behind = new Set(addressesOf(fleet.filter(({ behindBastion }) => behindBastion)));
  const openBastion = (): Promise<void> =>
    listeners.open(bastionAddress, (socket) => {
      front(socket, { login: 'accept', onReady: (client) => forwardTo(client, behind, plan.port) });
    });

  const rack = mine.filter(({ storm }) => storm === 'rack');
  const isOpen = ({ dead }: SimulatedClient): boolean => dead !== 'refused' && dead !== 'unanswered';
  const off = mine.filter(({ dead }) => dead === 'unanswered');
  const hasBastion = first === 0 && behind.size > 0;
  let inStorm = false;
  let racksOff: Unanswering | null = null;

  const beginStorm = async (): Promise<void> => {
    if (hasBastion) await listeners.shut(bastionAddress);
    for (const { address } of rack) await listeners.shut(address);
    racksOff = await startUnanswering(addressesOf(rack), plan.port);
  };
  const endStorm = async (): Promise<void> => {
    await racksOff?.close();
    racksOff = null;
    for (const client of rack) await openClient(client);
    if (hasBastion) await openBastion();
  };
  const turn = async (): Promise<void> => {
    const storms = stormAt(plan, now()) > 0;
    if (storms === inStorm) return;
    inStorm = storms;
    await (storms ? beginStorm() : endStorm());
  };

  try {
    for (const client of mine) if (isOpen(client)) await openClient(client);
    if (hasBastion) await openBastion();
    const silent = await startUnanswering(addressesOf(off), plan.port);
    await turn();
    return {
      counts: counts.read,
      turn,
      close: async () => {
        await Promise.all([silent.close(), racksOff?.close(), listeners.close()]);
      },
    };
  } catch (thrown) {
    await listeners.close();
    throw thrown;
  }
}

function addressesOf(clients: readonly SimulatedClient[]): readonly string[] {
  return clients.map(({ address }) => address);
}
