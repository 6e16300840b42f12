import { Announcer } from './announcer.tsx';
import { Composer } from './composer.tsx';
import { ConnectionNotice } from './connection-notice.tsx';
import { Gallery } from './gallery.tsx';
import { Masthead } from './masthead.tsx';
import { Stage } from './stage.tsx';

export function App() {
  return (
    <>
      <Masthead />
      <ConnectionNotice />
      <main>
        <Composer />
        <Stage />
        <Gallery />
      </main>
      <Announcer />
    </>
  );
}
