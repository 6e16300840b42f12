import { useSignal } from '@preact/signals';
import { refusal, signIn } from '../connection.ts';

/** Asks for the key of a server that has one; the rest of the page waits behind it. */
export function SignIn() {
  const typed = useSignal('');
  return (
    <form
      class="sign-in field"
      onSubmit={event => {
        event.preventDefault();
        if (typed.value.trim() !== '') void signIn(typed.value.trim());
      }}
    >
      <label class="label" for="key">
        API key of this server
      </label>
      <input
        id="key"
        type="password"
        autocomplete="off"
        spellcheck={false}
        aria-describedby="key-problem"
        value={typed.value}
        onInput={event => {
          typed.value = event.currentTarget.value;
        }}
      />
      <p class="problem" id="key-problem" role="alert">
        {refusal.value}
      </p>
      <button type="submit" class="primary">
        Sign in
      </button>
      <p class="hint">It stays in this tab and is forgotten when you close it.</p>
    </form>
  );
}
