/** @file Which render children there are, and how much room their bundles take. Who may change the set, and when, is child-pool.ts. */
import { kill, type RenderChild } from './render-child.ts';

/** A child, its bundle, and how much it was used. */
export interface Member {
  readonly model: string;
  readonly child: RenderChild;
  /** Of the bundle's files. */
  readonly bytes: number;
  users: number;
  tasks: number;
  /** Grows with every use. */
  lastUse: number;
}

/** The children by model, one of each at most. */
export interface ChildSet {
  readonly members: ReadonlyMap<string, Member>;
  /** Starts a child and counts it in; where it does not load or dies, `onGone` hears of it. */
  start(model: string, bytes: number): Member;
  /** Takes a child out, kills it and waits for its end. */
  end(member: Member): Promise<void>;
  /** Notes a use, for the order in which idle children go. */
  touch(member: Member): void;
  hasRoomFor(bytes: number): boolean;
  /** Ends idle children until there is room. A bundle larger than the limit has it to itself; beside what is in use it is loaded all the same. */
  makeRoom(bytes: number): Promise<void>;
}

/** Empty. `loadedBytes` is the room, of the bundles' files together. */
export function createChildSet(options: {
  readonly loadedBytes: number;
  readonly fork: (model: string) => RenderChild;
  readonly onGone: (member: Member) => unknown;
}): ChildSet {
  const { loadedBytes, fork, onGone } = options;
  const members = new Map<string, Member>();
  let uses = 0;

  const end = async (member: Member): Promise<void> => {
    if (members.get(member.model) === member) members.delete(member.model);
    await kill(member.child);
  };

  const hasRoomFor = (bytes: number): boolean => {
    const loaded = [...members.values()].reduce((sum, member) => sum + member.bytes, 0);
    return loaded + bytes <= loadedBytes;
  };

  return {
    members,
    end,
    hasRoomFor,
    start(model, bytes) {
      const child = fork(model);
      const member: Member = { model, child, bytes, users: 0, tasks: 0, lastUse: ++uses };
      members.set(model, member);
      const gone = () => onGone(member);
      child.ready.catch(gone);
      child.exited.then(gone);
      return member;
    },
    touch(member) {
      member.lastUse = ++uses;
    },
    async makeRoom(bytes) {
      const idle = [...members.values()].filter(member => member.users === 0).sort((a, b) => a.lastUse - b.lastUse);
      for (const member of idle) {
        if (hasRoomFor(bytes)) return;
        await end(member);
      }
    },
  };
}
