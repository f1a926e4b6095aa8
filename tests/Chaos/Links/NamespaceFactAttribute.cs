using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Links;

/// <summary>A test that needs network namespaces; where there are none it is skipped, and says what is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NamespaceFactAttribute : FactAttribute
{
    public NamespaceFactAttribute()
    {
        if (Router.WhyNot is { } reason) Skip = reason;
    }
}
