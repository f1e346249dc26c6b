/** `node`: whatever Node.js the client has or was brought; `shell`: for a client without one. */
export const agentKinds = ['node', 'shell'] as const;

export type AgentKind = (typeof agentKinds)[number];
