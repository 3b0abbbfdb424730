{{%AUTOESCAPE context="HTML"}}
  <p class="crumb"><a href="{{BASE}}/">Tunnels</a> / <a href="{{BASE}}/tunnels/{{ID}}"><bdi>{{NAME}}</bdi></a> / Delete</p>
  <section class="card danger narrow" aria-labelledby="question">
    <h1 id="question">Delete “<bdi>{{NAME}}</bdi>”?</h1>
    <ul>
      {{#VISITORS}}
      <li>{{VISITORS}} now, and cut off at once.</li>
      {{/VISITORS}}
      <li><code>{{ADDRESS}}</code> stops working, and after 24 hours the port may go to somebody else.</li>
      <li>Its machine stays, and goes on serving its other tunnels.</li>
    </ul>
    <p class="soft">You can take it back for 10 minutes, with the same port.</p>
    <div class="acts">
      <form method="post" action="{{BASE}}/tunnels/{{ID}}/delete"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn stop go" type="submit">Delete the tunnel</button></form>
      <a class="btn" href="{{BASE}}/tunnels/{{ID}}">Keep it</a>
      {{#RUNNING}}<form method="post" action="{{BASE}}/tunnels/{{ID}}/pause"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn" type="submit">Pause it instead</button></form>{{/RUNNING}}
    </div>
  </section>
