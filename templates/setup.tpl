{{%AUTOESCAPE context="HTML"}}
  <div class="card">
    <h1>Make the first account</h1>
    <p>You are the first one here. The server’s console has printed a code, to show that it is yours:</p>
    <pre class="console"><i>$</i> make run
The dashboard:  <b>{{URL}}</b>
...
    <b>XXXX-XXXX-XXXX</b></pre>
    <p class="small soft">On a server that runs by itself, the code is in the file <code>{{FILE}}</code>.</p>
    <form class="form" method="post" action="{{BASE}}/setup">
      <input type="hidden" name="token" value="{{TOKEN}}">
      <div class="field"><label for="code">Code from the console</label><input class="mono" id="code" name="code" type="text" autocomplete="one-time-code" spellcheck="false" autocapitalize="characters" placeholder="XXXX-XXXX-XXXX" value="{{CODE}}"{{#CODE_WRONG}} aria-invalid="true" aria-describedby="code-e"{{/CODE_WRONG}} required>{{#CODE_WRONG}}<p class="wrong" id="code-e">{{SAYS}}</p>{{/CODE_WRONG}}</div>
      <div class="field"><label for="email">Your email</label><input id="email" name="email" type="email" autocomplete="username" value="{{EMAIL}}"{{#EMAIL_WRONG}} aria-invalid="true"{{/EMAIL_WRONG}} aria-describedby="email-h" required><p class="hint" id="email-h">Only to sign in. Nothing is sent anywhere.</p>{{#EMAIL_WRONG}}<p class="wrong">{{SAYS}}</p>{{/EMAIL_WRONG}}</div>
      <div class="field"><label for="password">A password</label><input id="password" name="password" type="password" autocomplete="new-password" minlength="{{PASSWORD_MIN}}"{{#PASSWORD_WRONG}} aria-invalid="true"{{/PASSWORD_WRONG}} aria-describedby="pw-h" required><p class="hint" id="pw-h">At least {{PASSWORD_MIN}} characters; four plain words are fine.</p>{{#PASSWORD_WRONG}}<p class="wrong">{{SAYS}}</p>{{/PASSWORD_WRONG}}</div>
      <button class="btn go wide" type="submit">Make the account</button>
    </form>
  </div>
