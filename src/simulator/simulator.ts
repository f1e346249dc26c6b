/**
 * The servers of a simulated fleet: SSH on addresses of loopback. Each address is a client that answers visits with
 * sealed reports of plausible values, or fails them as its profile demands. The seed determines a client's properties
 * (fleet-plan.ts), the time its condition (condition.ts). Only unacknowledged reports are stored.
 */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../platform/errors/errors.ts';

import type { ParsedKey } from './ssh-server.ts';
import { answerVisit } from './answer-visit.ts';
import { conditionOf, stormAt, type Condition } from './condition.ts';
import { type LoopbackListeners, openListeners, simulatorFault } from './loopback-listeners.ts';
import { bastionAddress, planFleet, type FleetPlan, type SimulatedClient } from './fleet-plan.ts';
import { fraction } from './seeded.ts';
import { SimulatedAgent } from './simulated-agent.ts';
import type { SimulatedMachine } from './state.ts';
import { createSshFront, forwardTo, keyExchangeOffer, versionLine } from './ssh-front.ts';
import type { LoginAllowed, SshVisitor } from './ssh-front.ts';
import { createVisitCounts, type VisitCounts } from './visit-counts.ts';

export interface SimulatorOptions extends LoginAllowed {
  readonly plan: FleetPlan;
  /**
   * The indexes of the clients to serve: from `first` to below `end`. The simulator of client 0 also serves the
   * bastion.
   */
  readonly first: number;
  readonly end: number;
  /** The host key of known_hosts, and the one of clients whose host key has changed. */
  readonly hostKey: ParsedKey;
  readonly otherHostKey: ParsedKey;
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
  /** Returns the state of a machine at a time. Default: nobody changes anything. */
  readonly machineOf?: (client: SimulatedClient, atMs: number) => SimulatedMachine;
}

export interface Simulator {
  counts(): VisitCounts;
  /** Begins or ends a storm if its time has come. Throws FleetError `simulator-failed`. */
  turn(): Promise<void>;
  close(): Promise<void>;
}

/** The seed part of a connection's random values, in addition to the number of earlier connections. */
const breakDraw = 400;

type SshFront = ReturnType<typeof createSshFront>;

/** Starts all servers. Throws FleetError `simulator-failed`. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const servers = new SimulatedServers(options);
  try {
    await servers.start();
    return servers;
  } catch (thrown) {
    await servers.shut();
    throw thrown;
  }
}

/** The servers of the clients that one simulator serves, and of the bastion. */
class SimulatedServers implements Simulator {
  readonly #options: SimulatorOptions;
  readonly #mine: readonly SimulatedClient[];
  readonly #rack: readonly SimulatedClient[];
  /** The addresses of the clients behind the bastion. */
  readonly #behind: ReadonlySet<string>;
  readonly #hasBastion: boolean;
  readonly #listeners: LoopbackListeners;
  readonly #counts = createVisitCounts();
  readonly #front: SshFront;
  readonly #otherFront: SshFront;
  #connections = 0;
  #inStorm = false;
  #silent: Unanswering | null = null;
  #racksOff: Unanswering | null = null;

  constructor(options: SimulatorOptions) {
    const { plan, first, end, hostKey, otherHostKey } = options;
    const fleet = planFleet(plan);
    this.#options = options;
    this.#mine = fleet.slice(first, end);
    this.#rack = this.#mine.filter(({ storm }) => storm === 'rack');
    this.#behind = new Set(addressesOf(fleet.filter(({ behindBastion }) => behindBastion)));
    this.#hasBastion = first === 0 && this.#behind.size > 0;
    this.#listeners = openListeners(plan.port);
    this.#front = createSshFront(options, hostKey);
    this.#otherFront = createSshFront(options, otherHostKey);
  }

  async start(): Promise<void> {
    const isOpen = ({ dead }: SimulatedClient): boolean => dead !== 'refused' && dead !== 'unanswered';
    for (const client of this.#mine) if (isOpen(client)) await this.#openClient(client);
    if (this.#hasBastion) await this.#openBastion();
    const off = this.#mine.filter(({ dead }) => dead === 'unanswered');
    this.#silent = await startUnanswering(addressesOf(off), this.#options.plan.port);
    await this.turn();
  }

  /** Stops listening. */
  shut(): Promise<void> {
    return this.#listeners.close();
  }

  counts(): VisitCounts {
    return this.#counts.read();
  }

  async turn(): Promise<void> {
    const { plan, now } = this.#options;
    const storms = stormAt(plan, now()) > 0;
    if (storms === this.#inStorm) return;
    this.#inStorm = storms;
    await (storms ? this.#beginStorm() : this.#endStorm());
  }

  async close(): Promise<void> {
    await Promise.all([this.#silent?.close(), this.#racksOff?.close(), this.shut()]);
  }

  async #beginStorm(): Promise<void> {
    if (this.#hasBastion) await this.#listeners.shut(bastionAddress);
    for (const { address } of this.#rack) await this.#listeners.shut(address);
    this.#racksOff = await startUnanswering(addressesOf(this.#rack), this.#options.plan.port);
  }

  async #endStorm(): Promise<void> {
    await this.#racksOff?.close();
    this.#racksOff = null;
    for (const client of this.#rack) await this.#openClient(client);
    if (this.#hasBastion) await this.#openBastion();
  }

  #openClient(client: SimulatedClient): Promise<void> {
    const { plan, now, machineOf } = this.#options;
    const agent = new SimulatedAgent(plan.seed, client, machineOf);
    return this.#listeners.open(client.address, (socket) => {
      this.#connections++;
      const condition = conditionOf(plan, client, now());
      if (condition.latencyMs === 0) this.#serve(agent, condition, socket);
      else setTimeout(() => this.#serve(agent, condition, socket), condition.latencyMs);
    });
  }

  #openBastion(): Promise<void> {
    const { port } = this.#options.plan;
    return this.#listeners.open(bastionAddress, (socket) => {
      this.#front(socket, { login: 'accept', onReady: (client) => forwardTo(client, this.#behind, port) });
    });
  }

  #serve(agent: SimulatedAgent, condition: Condition, socket: Socket): void {
    if (socket.destroyed) return;
    const { dead } = condition;
    if (dead === 'silent' || dead === 'banner' || dead === 'key-exchange') {
      this.#counts.add(dead);
      socket.resume();
      if (dead !== 'silent') socket.write(versionLine);
      if (dead === 'key-exchange') socket.write(keyExchangeOffer());
      return;
    }
    if (dead === 'login' || dead === 'login-refused' || dead === 'host-key-changed') this.#counts.add(dead);
    const front = dead === 'host-key-changed' ? this.#otherFront : this.#front;
    front(socket, this.#visitorOf(agent, condition, socket));
  }

  #visitorOf(agent: SimulatedAgent, condition: Condition, socket: Socket): SshVisitor {
    const { plan, now } = this.#options;
    return {
      login: condition.dead === 'login' ? 'hang' : condition.dead === 'login-refused' ? 'refuse' : 'accept',
      onReady: (client) => {
        client.on('session', (accept) => {
          accept().on('exec', (acceptExec, _reject, { command }) => {
            if (condition.dead === 'channel') {
              this.#counts.add('channel');
              return;
            }
            const chance = fraction(plan.seed, agent.client.index, breakDraw, this.#connections);
            const breaks =
              chance >= condition.brokenShare ? 'no' : chance < condition.brokenShare / 2 ? 'deaf' : 'report';
            const channel = acceptExec();
            const over = this.#counts.begin(agent.client.index);
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
                this.#counts.add(kind, reports);
                // The agent has ended, even if a frozen collector has not closed the channel.
                if (reports.sent > 0) over();
              },
            });
          });
        });
      },
    };
  }
}

function addressesOf(clients: readonly SimulatedClient[]): readonly string[] {
  return clients.map(({ address }) => address);
}

/** Addresses that neither accept nor refuse connections, like those of machines that are switched off. */
interface Unanswering {
  close(): Promise<void>;
}

/**
 * The program of a thread that listens with the shortest queue and then blocks for ever, so that nothing accepts
 * connections. Plain JavaScript: a thread starts from a text or a file, and a text is part of every bundle.
 */
const thread = `
const { parentPort, workerData } = require('node:worker_threads');
const { createServer } = require('node:net');
const { addresses, port, flag } = workerData;
let left = addresses.length;
for (const host of addresses) {
  createServer()
    .on('error', (error) => { throw error; })
    .listen({ host, port, backlog: 1, exclusive: true }, () => {
      left -= 1;
      if (left > 0) return;
      parentPort.postMessage('listening');
      Atomics.wait(flag, 0, 0);
    });
}
`;
/** The connections that fill the queue: Linux admits one more than its length. */
const queued = 2;

/** Listens on the addresses and fills their queues. Throws FleetError `simulator-failed`. */
async function startUnanswering(addresses: readonly string[], port: number): Promise<Unanswering> {
  if (addresses.length === 0) return { close: () => Promise.resolve() };
  const fillers: Socket[] = [];
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(thread, { eval: true, workerData: { addresses, port, flag } });
  const close = async (): Promise<void> => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  };
  try {
    await once(worker, 'message');
    // The kernel drops further connections when the queue is full.
    for (const host of addresses) {
      const filling = Array.from({ length: queued }, () => connect({ host, port }));
      fillers.push(...filling);
      for (const socket of filling) socket.on('error', () => undefined);
      await Promise.all(filling.map((socket) => once(socket, 'connect')));
    }
    return { close };
  } catch (thrown) {
    await close();
    throw simulatorFault(`the addresses that do not answer: ${messageOf(thrown)}`, { cause: thrown });
  }
}
