using Akka.Actor;
using Akka.Cluster;

namespace MeshDns.Actors.Cluster;

/// <summary>The owners of the cluster as this node sees them now, and the doors behind which they listen.</summary>
internal sealed class Owners(Akka.Cluster.Cluster cluster)
{
    /// <summary>The role of members that own.</summary>
    public const string Role = "owner";

    /// <summary>The name of the actor behind which each node listens.</summary>
    public const string Door = "mesh";

    /// <summary>True when this node is a member and all others can be reached.</summary>
    public bool AreWell => cluster.SelfMember.Status == MemberStatus.Up && cluster.State.Unreachable.IsEmpty;

    /// <summary>The owners that are up, this one too.</summary>
    public IEnumerable<Member> Members => cluster.State.Members.Where(m => m.HasRole(Role) && m.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving or MemberStatus.Exiting);

    /// <summary>How many members cannot be reached now.</summary>
    public int Unreachable => cluster.State.Unreachable.Count;

    /// <summary><c>host:port</c> of this node's actor system.</summary>
    public string Here => $"{cluster.SelfAddress.Host}:{cluster.SelfAddress.Port}";

    /// <summary>True when a member's node cannot be reached now.</summary>
    public bool IsUnreachable(Address address) => cluster.State.Unreachable.Any(m => m.Address == address);

    /// <summary>The doors of all owners, this one's too.</summary>
    public IEnumerable<ActorSelection> All(IActorRefFactory context) => Members.Select(m => DoorOf(m.Address, context));

    /// <summary>The doors of all others.</summary>
    public IEnumerable<ActorSelection> Others(IActorRefFactory context) => Others().Select(m => DoorOf(m.Address, context));

    /// <summary>The door of a node.</summary>
    public static ActorSelection DoorOf(Address address, IActorRefFactory context) => context.ActorSelection($"{address}/user/{Door}");

    /// <summary>All others.</summary>
    public IEnumerable<Member> Others() => Members.Where(m => m.Address != cluster.SelfAddress);

    /// <summary>The one on which the allocator runs, as far as this node knows; null for none.</summary>
    public Member? Oldest() => Members.Where(m => m.Status is MemberStatus.Up or MemberStatus.Leaving).Aggregate((Member?)null, (oldest, m) => oldest is null || m.IsOlderThan(oldest) ? m : oldest);

    /// <summary>Tells an actor system from another on the same address.</summary>
    public static string IncarnationOf(UniqueAddress address) => $"{address.Address}#{address.Uid}";

    /// <summary>The name of a member's node: it stands in one of its roles.</summary>
    public static string NameOf(Member member) => member.Roles.FirstOrDefault(r => r.StartsWith(NamePrefix, StringComparison.Ordinal))?[NamePrefix.Length..] ?? member.Address.ToString();

    /// <summary>What the role begins with that holds a node's name.</summary>
    public const string NamePrefix = "name:";

    /// <summary>What the role begins with that says where nodes without a database ask a node.</summary>
    public const string FeedPrefix = "feed:";

    /// <summary>What the role begins with that says that a node could run a source.</summary>
    public const string SourcePrefix = "source:";
}
