using System.Text;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using MeshDns.Actors.Protocol;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>Whoever has the secret may say what nodes say, and makes a node do nothing else.</summary>
public sealed class HostilePeerTests : IAsyncLifetime
{
    private const string Hostile = """
        akka.actor.provider = remote
        akka.stdout-loglevel = OFF
        akka.loglevel = OFF
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0, enable-ssl = on }
        akka.actor.serializers.foreign = "MeshDns.Host.Tests.Cluster.HostilePeerTests+ForeignSerializer, MeshDns.Host.Tests"
        akka.actor.serializers.forged = "MeshDns.Host.Tests.Cluster.HostilePeerTests+ForgedSerializer, MeshDns.Host.Tests"
        akka.actor.serialization-bindings."MeshDns.Host.Tests.Cluster.HostilePeerTests+Foreign, MeshDns.Host.Tests" = foreign
        akka.actor.serialization-bindings."MeshDns.Host.Tests.Cluster.HostilePeerTests+Forged, MeshDns.Host.Tests" = forged
        """;

    private static int _made;

    private readonly ClusterTls _tls = ClusterTls.FromSecret(new Secret("sixteen characters or more"));
    private ActorSystem _node = null!;
    private ActorSystem _peer = null!;

    public Task InitializeAsync()
    {
        _node = RemoteTlsTests.StartSystem(_tls);
        _peer = ActorSystem.Create("mesh-test", ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(Hostile))).And(_tls.ForRemote()));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await Task.WhenAll(_node.Terminate(), _peer.Terminate());
        _tls.Dispose();
    }

    [Fact]
    public async Task What_is_not_in_our_table_is_dropped_and_the_node_serves_on()
    {
        var heard = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        _node.ActorOf(Props.Create(() => new Listener(heard)), "target");
        var address = Akka.Cluster.Cluster.Get(_node).SelfAddress;
        var target = _peer.ActorSelection(new RootActorPath(address) / "user" / "target");
        // A type that Akka's default serializer would make, one of a serializer that the node does not have, and ours with a kind that is none, or that is damaged.
        object[] messages = [new Poco("x"), new Foreign(), new Forged("evil.1", "{}"), new Forged("hello.1", "{"), new Forged("", ""), new Forged(new string('a', 32) + "closing.1", "")];
        foreach (var message in messages) target.Tell(message);
        // What is sent after them over the same connection comes.
        target.Tell(new Forged("report.1", Encoding.UTF8.GetString(MeshWire.Write(new ReportOrder(7, 1)))));
        Assert.Equal(7, Assert.IsType<ReportOrder>(await heard.Task.WaitAsync(TimeSpan.FromSeconds(10))).Id);
    }

    [Fact]
    public async Task An_actor_of_a_peers_choice_is_not_made()
    {
        var heard = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        _node.ActorOf(Props.Create(() => new Listener(heard)), "target");
        var address = Akka.Cluster.Cluster.Get(_node).SelfAddress;
        _peer.ActorOf(Props.Create<Made>().WithDeploy(new Deploy(new RemoteScope(address))), "made");
        _peer.ActorSelection(new RootActorPath(address) / "user" / "target").Tell(new Forged("report.1", Encoding.UTF8.GetString(MeshWire.Write(new ReportOrder(7, 1)))));
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(10));
        for (var i = 0; i < 10; i++)
        {
            await Task.Delay(50);
            Assert.Equal(0, Volatile.Read(ref _made));
        }
    }

    public sealed record Poco(string Text);

    public sealed record Foreign;

    /// <summary>Bytes under our serializer's number.</summary>
    public sealed record Forged(string Kind, string Text);

    public sealed class ForeignSerializer(ExtendedActorSystem system) : Serializer(system)
    {
        public override int Identifier => 424242;

        public override bool IncludeManifest => false;

        public override byte[] ToBinary(object obj) => [1, 2, 3];

        public override object FromBinary(byte[] bytes, Type type) => throw new NotSupportedException();
    }

    public sealed class ForgedSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => MeshSerializer.Id;

        public override string Manifest(object o) => ((Forged)o).Kind;

        public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(((Forged)obj).Text);

        public override object FromBinary(byte[] bytes, string manifest) => throw new NotSupportedException();
    }

    public sealed class Made : UntypedActor
    {
        public Made() => Interlocked.Increment(ref _made);

        protected override void OnReceive(object message)
        {
        }
    }

    private sealed class Listener(TaskCompletionSource<object> heard) : UntypedActor
    {
        protected override void OnReceive(object message) => heard.TrySetResult(message);
    }
}
