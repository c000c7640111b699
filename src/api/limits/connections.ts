import type { Socket } from 'node:net';
import { addressGroup } from '../../access/address-group.ts';

/** Why the server closed a connection, other than one that its own limits in time ended. */
export const closings = ['idle', 'slow_client', 'unread', 'pipelining', 'refused'] as const;

export type Closing = (typeof closings)[number];

/** One client's connection. */
export interface Connection {
  /** What ends it; a TLS socket once there is one. */
  socket: Socket;
  /** Where it comes from, as limits count it. */
  readonly client: string;
  /** Requests on it without their whole answer. */
  open: number;
}

export interface Connections {
  count(): number;
  closed(): Readonly<Record<Closing, number>>;
  /** A client has connected. */
  add(socket: Socket): void;
  /** The TLS socket of a connection that was added. */
  secure(socket: Socket): void;
  of(socket: Socket): Connection | undefined;
  begin(connection: Connection): void;
  end(connection: Connection): void;
  close(connection: Connection, why: Closing): void;
  /** Ends all that are there, whatever goes on. */
  closeAll(): void;
}

interface Options {
  readonly limit: number;
  /** Of those that are meant, the one whose request waits longest for its client, to send or to read. */
  readonly slowest: (isMeant: (connection: Connection) => boolean) => Connection | undefined;
}

/**
 * The connections that are held, at most as many as the limit. Where one more comes, the one that has been idle longest
 * is closed, rather than the newcomer refused: clients that hold connections and send nothing cannot lock out health
 * checks, nor those who ask. Where none is idle, one whose client is slow goes; only where every one waits for this
 * server is the newcomer refused. A client with more than its share goes first, and never takes the place of others.
 */
export function createConnections({ limit, slowest }: Options): Connections {
  const bySocket = new WeakMap<Socket, Connection>();
  const byPeer = new Map<Peer, Connection>();
  const perClient = new Map<string, number>();
  /** In the order in which they became idle. */
  const idle = new Set<Connection>();
  const closed: Record<Closing, number> = { idle: 0, slow_client: 0, unread: 0, pipelining: 0, refused: 0 };

  function forget(peer: Peer, connection: Connection): void {
    if (byPeer.get(peer) === connection) byPeer.delete(peer);
    idle.delete(connection);
    const left = (perClient.get(connection.client) ?? 1) - 1;
    if (left === 0) perClient.delete(connection.client);
    else perClient.set(connection.client, left);
  }

  function makeRoom(newcomer: Connection): void {
    if (byPeer.size <= limit) return;
    const share = limit / perClient.size;
    const isGreedy = ({ client }: Connection) => (perClient.get(client) ?? 0) > share;
    if (endOne((connection) => connection !== newcomer && isGreedy(connection))) return;
    if (!isGreedy(newcomer) && endOne((connection) => connection !== newcomer)) return;
    if (!isLocal(newcomer.socket)) close(newcomer, 'refused');
  }

  /** Ends one that can be missed; false where each of those that are meant waits for this server. */
  function endOne(isMeant: (connection: Connection) => boolean): boolean {
    for (const connection of idle) {
      if (!isMeant(connection)) continue;
      close(connection, 'idle');
      return true;
    }
    const slow = slowest(isMeant);
    if (slow !== undefined) close(slow, 'slow_client');
    return slow !== undefined;
  }

  function close(connection: Connection, why: Closing): void {
    closed[why] += 1;
    idle.delete(connection);
    connection.socket.destroy();
  }

  return {
    count: () => byPeer.size,
    closed: () => closed,
    add(socket) {
      const peer = peerOf(socket);
      const connection = { socket, client: addressGroup(socket.remoteAddress ?? ''), open: 0 };
      bySocket.set(socket, connection);
      byPeer.set(peer, connection);
      perClient.set(connection.client, (perClient.get(connection.client) ?? 0) + 1);
      idle.add(connection);
      socket.once('close', () => forget(peer, connection));
      makeRoom(connection);
    },
    secure(socket) {
      const connection = byPeer.get(peerOf(socket));
      if (connection === undefined) return;
      connection.socket = socket;
      bySocket.set(socket, connection);
    },
    of: (socket) => bySocket.get(socket),
    begin(connection) {
      connection.open += 1;
      if (connection.open === 1) idle.delete(connection);
    },
    end(connection) {
      connection.open -= 1;
      if (connection.open === 0 && !connection.socket.destroyed) idle.add(connection);
    },
    close,
    closeAll() {
      for (const { socket } of byPeer.values()) socket.destroy();
    },
  };
}

/** Both ends of a connection: what the sockets of TCP and of TLS on it have in common. Those of a Unix socket have none. */
type Peer = string | Socket;

function peerOf(socket: Socket): Peer {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return isLocal(socket)
    ? socket
    : `${remoteAddress ?? ''} ${remotePort ?? ''} ${localAddress ?? ''} ${localPort ?? ''}`;
}

/** On the admin socket: orders are never refused. */
function isLocal({ remotePort }: Socket): boolean {
  return remotePort === undefined;
}
