namespace MeshDns.Compose;

/// <summary>A test that needs Docker; skipped with the true reason where it cannot run.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DockerFactAttribute : FactAttribute
{
    public DockerFactAttribute()
    {
        if (Docker.WhyNot is { } reason) Skip = reason;
    }
}
