{{%AUTOESCAPE context="HTML"}}
  <p class="crumb"><a href="{{BASE}}/machines">Machines</a> / <bdi>{{NAME}}</bdi> / Remove</p>
  <section class="card danger narrow" aria-labelledby="question">
    <h1 id="question">Remove “<bdi>{{NAME}}</bdi>”?</h1>
    <ul>
      <li>{{KEYS}} revoked at once; whatever uses them is cut off.</li>
      <li>{{TUNNELS}}.</li>
    </ul>
    <p class="soft">This cannot be taken back.</p>
    <div class="acts">
      <form method="post" action="{{BASE}}/machines/{{ID}}/remove"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn stop go" type="submit">Remove the machine</button></form>
      <a class="btn" href="{{BASE}}/machines">Keep it</a>
    </div>
  </section>
