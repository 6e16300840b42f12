import { connection } from '../connection.ts';
import { view } from '../view.ts';
import { Announcer } from './announcer.tsx';
import { Composer } from './composer.tsx';
import { ConnectionNotice } from './connection-notice.tsx';
import { Gallery } from './gallery.tsx';
import { Masthead } from './masthead.tsx';
import { SignIn } from './sign-in.tsx';
import { Stage } from './stage.tsx';
import { VerifyView } from './verify-view.tsx';

export function App() {
  const locked = connection.value === 'locked';
  return (
    <>
      <Masthead />
      {locked ? <SignIn /> : <ConnectionNotice />}
      {view.value === 'verify' ? (
        <VerifyView hidden={locked} />
      ) : (
        <main hidden={locked}>
          <Composer />
          <Stage />
          <Gallery />
        </main>
      )}
      <Announcer />
    </>
  );
}
